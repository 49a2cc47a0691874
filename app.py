"""`streamlit run app.py`: the web app that `dosegrade serve` starts."""

import runpy

from dosegrade.web import APP

runpy.run_path(str(APP))

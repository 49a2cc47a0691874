"""The data sets as thumbnails."""

import re

from dosegrade.data import DATASETS, OWN
from dosegrade.nn.config import SUITED, Config
from dosegrade.web import gallery
from dosegrade.web.controls import with_data


def test_every_data_set_has_a_picture_of_its_own() -> None:
    items = re.findall(
        r'<label title="([^"]+)"><input type="radio" name="data" value="(\w+)" aria-label="\1">(<svg.+?</svg>)', gallery.gallery()
    )
    assert {name for _, name, _ in items} == {*DATASETS, OWN}
    assert len({picture for *_, picture in items}) == len(items)


def test_classes_are_points_in_two_colours_within_the_picture() -> None:
    picture = gallery.thumbnail(DATASETS["xor"])
    marks = re.findall(r'class="(\w+)" cx="([\d.-]+)" cy="([\d.-]+)"', picture)
    assert {kind for kind, _, _ in marks} == {"plus", "minus"}
    assert all(0 < float(at) < gallery.SIDE for _, *spot in marks for at in spot)
    right_and_up = [kind for kind, x, y in marks if float(x) > 22 and float(y) < 18]
    assert set(right_and_up) == {"plus"}


def test_other_data_bring_what_their_kind_needs() -> None:
    curve = Config(hidden=(3,), features=("x", "sin_x"), learning_rate=0.02)
    for name, source in DATASETS.items():
        config = with_data(curve, name)
        assert (config.data, config.hidden, config.learning_rate) == (name, (3,), 0.02)
        assert (config.output, config.loss) == SUITED[source.task]
        assert config.features == (("x", "sin_x") if source.dimensions == 1 else ())
        assert with_data(config, "parabola").task == "regression"
    assert len(with_data(curve, OWN).dataset.x) == 9

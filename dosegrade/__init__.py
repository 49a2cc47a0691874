"""Small neural networks to watch, and a grader that names the mistake."""

__version__ = "0.1.0"

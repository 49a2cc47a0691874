"""The codes by which the kernel knows the entries of the tables."""

from __future__ import annotations

from enum import IntEnum

Bend = IntEnum("Bend", "identity sigmoid tanh relu leaky_relu elu selu softplus softsign silu gelu hard_sigmoid maxout softmax", start=0)
Loss = IntEnum(
    "Loss",
    "squared mean_squared_error absolute mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error "
    "log_cosh cosine_similarity cross_entropy categorical_crossentropy sparse_categorical_crossentropy binary_crossentropy "
    "squared_hinge hinge categorical_hinge kl_divergence poisson",
    start=0,
)
Rule = IntEnum(
    "Rule", "sgd momentum nesterov rmsprop rmsprop_centered rmsprop_momentum adam amsgrad adamw nadam adamax adagrad adadelta", start=0
)
Clip = IntEnum("Clip", "none value norm global_norm", start=0)
Form = IntEnum("Form", "plain softmax sigmoid", start=0)
"""How a loss takes the output layer: its outputs, or its z in a form that stays exact where the activation saturates."""
HYPER = ("beta_1", "beta_2", "rho", "momentum", "epsilon", "weight_decay")
FORMS = {(loss, "softmax"): Form.softmax for loss in ("cross_entropy", "categorical_crossentropy", "sparse_categorical_crossentropy")}
FORMS |= {("binary_crossentropy", "sigmoid"): Form.sigmoid}

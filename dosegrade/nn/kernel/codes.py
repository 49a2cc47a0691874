"""The codes by which the kernel knows the entries of the tables."""

from __future__ import annotations


def _numbered(names: str) -> dict[str, int]:
    return {name: code for code, name in enumerate(names.split())}


ACTIVATION_CODES = _numbered("identity sigmoid tanh relu leaky_relu elu selu softplus softsign silu gelu hard_sigmoid maxout softmax")
LOSS_CODES = _numbered(
    "squared mean_squared_error absolute mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error "
    "log_cosh cosine_similarity cross_entropy categorical_crossentropy sparse_categorical_crossentropy binary_crossentropy "
    "squared_hinge hinge categorical_hinge kl_divergence poisson"
)
OPTIMIZER_CODES = _numbered(
    "sgd momentum nesterov rmsprop rmsprop_centered rmsprop_momentum adam amsgrad adamw nadam adamax adagrad adadelta"
)
CLIPPING_CODES = _numbered("none value norm global_norm")
HYPER = ("beta_1", "beta_2", "rho", "momentum", "epsilon", "weight_decay")
JOINT = {(loss, "softmax"): 1 for loss in ("cross_entropy", "categorical_crossentropy", "sparse_categorical_crossentropy")}
JOINT |= {("binary_crossentropy", "sigmoid"): 2}

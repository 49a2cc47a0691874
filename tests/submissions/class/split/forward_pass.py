import numpy as np

def forward(d, W1, b1, W2, b2, W3, b3):
    z1 = W1 * d + b1
    h1 = np.tanh(z1)
    z2 = W2 * h1 + b2
    h2 = np.tanh(z2)
    z3 = W3 * h2 + b3
    return {"z1": z1, "h1": h1, "z2": z2, "h2": h2, "z3": z3, "e_hat": z3}

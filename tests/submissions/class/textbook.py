import numpy as np

def forward(d, W1, b1, W2, b2, W3, b3):
    z1 = W1 * d + b1
    h1 = np.tanh(z1)
    z2 = W2 * h1 + b2
    h2 = np.tanh(z2)
    z3 = W3 * h2 + b3
    return {"z1": z1, "h1": h1, "z2": z2, "h2": h2, "z3": z3, "e_hat": z3}

def gradients(d, e, W1, b1, W2, b2, W3, b3):
    n = len(d)
    z1 = W1 * d + b1
    h1 = np.tanh(z1)
    z2 = W2 * h1 + b2
    h2 = np.tanh(z2)
    e_hat = W3 * h2 + b3
    dz3 = 2 * (e_hat - e) / n
    dW3 = np.sum(dz3 * h2)
    db3 = np.sum(dz3)
    dh2 = dz3 * W3
    dz2 = dh2 * (1 - h2 * h2)
    dW2 = np.sum(dz2 * h1)
    db2 = np.sum(dz2)
    dh1 = dz2 * W2
    dz1 = dh1 * (1 - h1 * h1)
    dW1 = np.sum(dz1 * d)
    db1 = np.sum(dz1)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}

def update(params, grads, learning_rate):
    return {name: value - learning_rate * grads["d" + name] for name, value in params.items()}

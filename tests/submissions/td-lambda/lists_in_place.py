# 6
def dot(a, b):
    return sum(a[i] * b[i] for i in range(len(a)))


def td_lambda(episodes, w, alpha, gamma, lam):
    w = list(w)
    out = {"delta": [], "z": [], "w": []}
    for x, rewards in episodes:
        x[-1] = 0
        z = [0.0] * len(w)
        for t, r in enumerate(rewards):
            z = [gamma * lam * z[i] + x[t][i] for i in range(len(z))]
            delta = r + gamma * dot(w, x[t + 1]) - dot(w, x[t])
            for i in range(len(w)):
                w[i] += alpha * delta * z[i]
            out["delta"].append(delta)
            out["z"].append(list(z))
            out["w"].append(list(w))
    return out

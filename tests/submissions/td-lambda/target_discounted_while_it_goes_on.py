# 3 T25
import numpy as np


class Critic:
    def __init__(self, w, alpha, gamma, lam):
        self.w, self.alpha, self.gamma, self.lam = np.array(w, dtype=float), alpha, gamma, lam

    def reset(self):
        self.z = np.zeros_like(self.w)

    def learn(self, x, reward, x_next, over):
        target = reward if over else self.gamma * (reward + self.w @ x_next)
        delta = target - self.w @ x
        self.z = self.gamma * self.lam * self.z + x
        self.w = self.w + self.alpha * delta * self.z
        return delta, self.z, self.w


def td_lambda(episodes, w, alpha, gamma, lam):
    critic, rows = Critic(w, alpha, gamma, lam), []
    for x, rewards in episodes:
        critic.reset()
        for t, reward in enumerate(rewards):
            rows.append(critic.learn(x[t], reward, x[t + 1], t == len(rewards) - 1))
    return dict(zip(("delta", "z", "w"), map(np.array, zip(*rows)), strict=True))

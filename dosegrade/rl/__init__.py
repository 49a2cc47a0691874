"""Value prediction and control in Sutton & Barto's words: pure mathematics; rewards[t] is R_{t+1}, values[t] is v(S_t)."""

"""Small neural networks as pure functions of plain arrays: rows are examples, parameters are `{"W1": …, "b1": …}`."""

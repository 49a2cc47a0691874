"""A quiz is one TOML file: a title and questions, some answered by choosing or typing, some by code (CONTRACT 1)."""

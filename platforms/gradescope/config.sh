# The quiz: one that ships with dosegrade, or the name of a .toml file beside this one, without its ending.
QUIZ="dose-response"
# The variant: one seed, one set of cases.
SEED=0

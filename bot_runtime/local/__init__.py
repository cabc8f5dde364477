"""A bot on a laptop: one YAML file through every step, without Kubernetes."""

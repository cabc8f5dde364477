"""The operator: watches both resources, observes, plans and applies.

Only `handlers` and `__main__` import kopf, only `kube` the Kubernetes client. The
packages `tradingbot` and `modeltraining` hold what is particular to one kind, in the same files.
"""

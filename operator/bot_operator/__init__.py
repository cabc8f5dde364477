"""The operator: watches both resources, observes, plans and applies.

Only `watching.handlers` and `__main__` import kopf, only `api.kube` the Kubernetes client. The
rooms `tradingbot` and `modeltraining` hold what is particular to one kind.
"""

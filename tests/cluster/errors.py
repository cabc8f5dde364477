"""What can go wrong with the cluster."""


class ClusterError(Exception):
    """The cluster cannot do what was asked; the message says why and what to do.

    `python -m tests.cluster` prints it and exits with 1.
    """


class RequirementsMissing(ClusterError):
    """This machine cannot run what was asked for; the message lists what is missing.

    `python -m tests.cluster` prints it and exits with 3.
    """

"""A real Kubernetes cluster of one node on this machine, or its control plane alone.

Here lives what starts, stops and describes the cluster, builds the images for it, and installs the
product into it: `python -m tests.cluster up|down|status|check|images|env`. Tests and the demo use
`Cluster`. Nothing here knows what the product does.
"""

# Targets of the test cluster; included by the Makefile.

.PHONY: cluster-up
cluster-up: setup-trees ## Bring the test cluster up (a real Kubernetes node; needs root on Linux)
	@$(TREES_PY) -m tests.cluster up

.PHONY: cluster-down
cluster-down: setup-trees ## Remove the test cluster; only the caches stay
	@$(TREES_PY) -m tests.cluster down

.PHONY: cluster-status
cluster-status: setup-trees ## Show the test cluster's components and how to use kubectl
	@$(TREES_PY) -m tests.cluster status

.PHONY: images
images: setup-trees ## Build the images and load them into the test cluster, if it is up
	@$(TREES_PY) -m tests.cluster images

.PHONY: cluster-env
cluster-env: setup-trees ## Print the test cluster's KUBECONFIG and paths: eval "$(make -s cluster-env)"
	@$(TREES_PY) -m tests.cluster env

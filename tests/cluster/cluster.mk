# Targets of the test cluster; included by the Makefile.

.PHONY: cluster-up
cluster-up: setup ## Bring the test cluster up (a real Kubernetes node; needs root on Linux)
	@$(PY) -m tests.cluster up

.PHONY: cluster-down
cluster-down: ## Remove the test cluster; only the caches stay
	@$(PY) -m tests.cluster down

.PHONY: cluster-status
cluster-status: ## Show the test cluster's components and how to use kubectl
	@$(PY) -m tests.cluster status

.PHONY: images
images: setup ## Build the images and load them into the test cluster, if it is up
	@$(PY) -m tests.cluster images

.PHONY: cluster-env
cluster-env: ## Print the test cluster's KUBECONFIG and paths: eval "$$(make -s cluster-env)"
	@$(PY) -m tests.cluster env

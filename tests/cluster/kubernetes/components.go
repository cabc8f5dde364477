//go:build components

// Package components pins the Kubernetes programs that the test cluster is made of.
// It is never compiled: the imports make `go mod tidy` keep every module that the
// programs need, and tests/cluster/binaries.py builds the programs by their paths.
package components

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver/app"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	_ "k8s.io/kubernetes/cmd/kube-proxy/app"
	_ "k8s.io/kubernetes/cmd/kube-scheduler/app"
	_ "k8s.io/kubernetes/cmd/kubelet/app"

	// etcd and kubectl are main packages around these.
	_ "go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/kubectl/pkg/cmd"
)

// A minimal operator on controller-runtime that writes what ours writes for a suspended bot: a
// claim and the status by server-side apply, and an Event. It stands beside ours in
// `reconcile-1000` and is nothing that anybody should run.
//
// Settings: -tuned raises the concurrency of the controller and lifts the client's rate limit;
// without it everything is as controller-runtime has it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const owner = "botcripto-benchmark"

var (
	bots       = schema.GroupVersionKind{Group: "botcripto.io", Version: "v1alpha1", Kind: "TradingBot"}
	conditions = []string{"Ready", "Reconciling", "Stalled"}
)

type reconciler struct{ client client.Client }

func (r *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	bot := &unstructured.Unstructured{}
	bot.SetGroupVersionKind(bots)
	if err := r.client.Get(ctx, req.NamespacedName, bot); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if served(bot) {
		return ctrl.Result{}, nil
	}
	for _, write := range []func(context.Context, *unstructured.Unstructured) error{
		r.applyClaim, r.applyStatus, r.tell,
	} {
		if err := write(ctx, bot); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, nil
}

func served(bot *unstructured.Unstructured) bool {
	seen, _, _ := unstructured.NestedInt64(bot.Object, "status", "observedGeneration")
	return seen == bot.GetGeneration()
}

func (r *reconciler) applyClaim(ctx context.Context, bot *unstructured.Unstructured) error {
	name := bot.GetName() + "-store"
	live := &corev1.PersistentVolumeClaim{}
	key := client.ObjectKey{Namespace: bot.GetNamespace(), Name: name}
	if err := r.client.Get(ctx, key, live); err == nil || !apierrors.IsNotFound(err) {
		return err
	}
	controls := true
	claim := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "PersistentVolumeClaim",
		"spec": map[string]any{
			"accessModes": []any{"ReadWriteOnce"},
			"resources":   map[string]any{"requests": map[string]any{"storage": "2Gi"}},
		},
	}}
	claim.SetName(name)
	claim.SetNamespace(bot.GetNamespace())
	claim.SetLabels(map[string]string{"botcripto.io/bot": bot.GetName()})
	claim.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: bot.GetAPIVersion(), Kind: bot.GetKind(), Name: bot.GetName(),
		UID: bot.GetUID(), Controller: &controls,
	}})
	return r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(claim),
		client.FieldOwner(owner), client.ForceOwnership)
}

func (r *reconciler) applyStatus(ctx context.Context, bot *unstructured.Unstructured) error {
	now := time.Now().UTC().Format(time.RFC3339)
	found := make([]any, 0, len(conditions))
	for _, kind := range conditions {
		status := "False"
		if kind == "Ready" {
			status = "True"
		}
		found = append(found, map[string]any{
			"type": kind, "status": status, "reason": "Suspended", "message": "spec.suspend is true",
			"lastTransitionTime": now, "observedGeneration": bot.GetGeneration(),
		})
	}
	applied := &unstructured.Unstructured{Object: map[string]any{
		"status": map[string]any{
			"observedGeneration": bot.GetGeneration(), "state": "Suspended", "conditions": found,
		},
	}}
	applied.SetGroupVersionKind(bots)
	applied.SetName(bot.GetName())
	applied.SetNamespace(bot.GetNamespace())
	return r.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(applied),
		client.FieldOwner(owner), client.ForceOwnership)
}

func (r *reconciler) tell(ctx context.Context, bot *unstructured.Unstructured) error {
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: bot.GetName() + ".", Namespace: bot.GetNamespace(),
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: bot.GetAPIVersion(), Kind: bot.GetKind(), Name: bot.GetName(),
			Namespace: bot.GetNamespace(), UID: bot.GetUID(),
		},
		Type: corev1.EventTypeNormal, Reason: "Suspended", Message: "spec.suspend is true",
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
		Source: corev1.EventSource{Component: owner},
	}
	return r.client.Create(ctx, event)
}

func run(namespace string, tuned bool) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	options := controller.Options{}
	if tuned {
		config.QPS = -1
		options.MaxConcurrentReconciles = 32
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		Metrics: server.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	watched := &unstructured.Unstructured{}
	watched.SetGroupVersionKind(bots)
	err = ctrl.NewControllerManagedBy(manager).
		Named("bots").
		For(watched).
		Owns(&corev1.PersistentVolumeClaim{}).
		WithOptions(options).
		Complete(&reconciler{client: manager.GetClient()})
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

func main() {
	namespace := flag.String("namespace", "", "the namespace to serve")
	tuned := flag.Bool("tuned", false, "high concurrency, no rate limit")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	if err := run(*namespace, *tuned); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

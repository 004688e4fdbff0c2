// Checks PodMonitors, one document after the other, against the types of the
// Prometheus operator: a member that they do not have, or one that is needed and
// missing, is an error.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	v1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

func check(document []byte) error {
	var monitor v1.PodMonitor
	if err := yaml.UnmarshalStrict(document, &monitor); err != nil {
		return err
	}
	if len(monitor.Spec.Selector.MatchLabels) == 0 {
		return fmt.Errorf("spec.selector selects every pod")
	}
	for i, endpoint := range monitor.Spec.PodMetricsEndpoints {
		if endpoint.Port == nil || *endpoint.Port == "" || endpoint.Path == "" {
			return fmt.Errorf("spec.podMetricsEndpoints[%d] has no port or path", i)
		}
	}
	if len(monitor.Spec.PodMetricsEndpoints) == 0 {
		return fmt.Errorf("spec.podMetricsEndpoints is empty")
	}
	return nil
}

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "podmonitor:", err)
		os.Exit(1)
	}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		if err := check(document); err != nil {
			fmt.Fprintln(os.Stderr, "podmonitor:", err)
			os.Exit(1)
		}
	}
}

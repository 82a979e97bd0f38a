/** A metric of somebody else: what kind it is, and the labels that it has. */
export type Foreign = { readonly histogram?: true; readonly labels: readonly string[] };

const volume = ['namespace', 'name', 'node', 'disk', 'persistentvolumeclaim'];
const claim = ['namespace', 'pod', 'persistentvolumeclaim', 'node', 'operation'];
const polls = ['qmp', 'qga', 'kvm', 'cgroup'];
const load = ['nodeutilization', 'nodepressure'];
const averages = ['averageworkersutilization', 'averageworkerspressure'];

/** Everything that alerts and dashboards of the catalog may ask for besides our own metrics, as their makers document it. */
export const foreignMetrics: Readonly<Record<string, Foreign>> = {
  // The metrics exporter of KubeVirt.
  kubevirt_vmi_storage_io_latency_seconds: { histogram: true, labels: [...volume, 'operation'] },
  kubevirt_vmi_storage_queue_inuse: { labels: [...volume, 'bus'] },
  kubevirt_vmi_storage_queue_size: { labels: [...volume, 'bus'] },
  kubevirt_vmi_storage_guest_latency_avg_seconds: { labels: [...volume, 'drive', 'operation'] },
  kubevirt_vmi_storage_guest_iops: { labels: [...volume, 'drive', 'operation'] },
  kme_block_io_latency_seconds: { histogram: true, labels: claim },
  kme_nfs_io_latency_seconds: { histogram: true, labels: claim },
  kme_nfs_vfs_latency_seconds: { histogram: true, labels: claim },
  kme_cgroup_ksmd_cpu_seconds_total: { labels: ['node'] },
  kme_cgroup_khugepaged_cpu_seconds_total: { labels: ['node'] },
  ...Object.fromEntries(polls.map((poll) => [`kme_${poll}_last_poll_timestamp_seconds`, { labels: ['node'] }])),
  ...Object.fromEntries(polls.map((poll) => [`kme_${poll}_scrape_errors_total`, { labels: ['node'] }])),
  kme_subsystem_active: { labels: ['node', 'subsystem'] },
  // KubeVirt, the state of the cluster, and Prometheus itself.
  kubevirt_vmi_info: { labels: ['namespace', 'name', 'node', 'phase', 'vmi_pod'] },
  kube_node_info: { labels: ['node'] },
  kube_node_role: { labels: ['node', 'role'] },
  kube_namespace_labels: { labels: ['namespace'] },
  kube_persistentvolumeclaim_info: { labels: ['namespace', 'persistentvolumeclaim'] },
  up: { labels: ['job', 'instance', 'namespace', 'node'] },
  ALERTS: { labels: ['alertname', 'alertstate', 'severity', 'operator', 'namespace'] },
  // The descheduler, and the recording rules that its operator brings.
  descheduler_pods_evicted_total: { labels: ['profile', 'result', 'node', 'exported_namespace'] },
  descheduler_lownodeutilization_node_utilization_value: { labels: ['node'] },
  descheduler_lownodeutilization_node_utilization_threshold: { labels: ['node', 'threshold_type'] },
  descheduler_lownodeutilization_node_classification: { labels: ['node'] },
  descheduler_kubevirt_eviction_blocks_total: { labels: ['reason', 'node'] },
  descheduler_kubevirt_effective_cooldown_seconds: { histogram: true, labels: [] },
  ...Object.fromEntries(
    ['cpu', 'memory'].flatMap((what) => [
      ...load.map((name) => [`descheduler:${name}:${what}:avg1m`, { labels: ['instance'] }]),
      ...averages.map((name) => [`descheduler:${name}:${what}:avg1m`, { labels: [] }]),
    ]),
  ),
  'descheduler:node:linear_amplified_ideal_point_positive_distance:k3:p66_5m': { labels: ['instance'] },
  'descheduler:node:actuation_priority:p66_5m': { labels: ['instance'] },
  'descheduler:node:cooldown_multiplier:10m': { labels: ['instance'] },
};

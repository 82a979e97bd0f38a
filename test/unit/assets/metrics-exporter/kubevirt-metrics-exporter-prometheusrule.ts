import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { type Body, bodyOf } from '../_assets.ts';
import { checkWithPromtool } from '../_promtool.ts';

function groupsWith(environment?: Record<string, unknown>): Body[] {
  const annotations =
    environment === undefined
      ? {}
      : { 'platform.kubevirt.io/kubevirt-metrics-exporter-env': JSON.stringify(environment) };
  return bodyOf('kubevirt-metrics-exporter-prometheusrule', { annotations }).spec.groups;
}

function namesWith(environment?: Record<string, unknown>): string[] {
  return groupsWith(environment).flatMap(({ rules }) => rules.map(({ alert }: Body) => alert));
}

function expressionOf(alert: string, environment?: Record<string, unknown>): string | undefined {
  const rules: Body[] = groupsWith(environment).flatMap((group) => group.rules);
  return rules.find((rule) => rule.alert === alert)?.expr;
}

test('every alert has a runbook: a heading of the page that its URL names', async (t) => {
  const page = path.resolve(import.meta.dirname, '../../../../docs/runbooks/kubevirt-metrics-exporter.md');
  const headings = [...(await readFile(page, 'utf8')).matchAll(/^### (\w+)$/gm)].map(([, heading]) => heading);
  const rules: Body[] = groupsWith().flatMap(({ rules }) => rules);
  t.deepEqual(
    rules.map(({ alert }) => alert),
    headings,
  );
  for (const { alert, annotations } of rules) {
    const url = 'https://github.com/virt-platform/virt-platform/blob/main/docs/runbooks/kubevirt-metrics-exporter.md';
    t.is(annotations.runbook_url, `${url}#${alert.toLowerCase()}`);
  }
});

test('there are twenty alerts in three groups, each with its severity and its time', (t) => {
  t.deepEqual(
    groupsWith().map(({ name, rules }) => [
      name,
      ...rules.map((rule: Body) => `${rule.alert} ${rule.labels.severity} ${rule.for}`),
    ]),
    [
      [
        'kubevirt-storage-io',
        'VMIStorageWriteLatencyHigh warning 10m',
        'VMIStorageReadLatencyHigh warning 10m',
        'VMIStorageFlushLatencyHigh warning 15m',
        'NodeVMStorageLatencyWidespread critical 10m',
        'VMIDiskSaturated critical 5m',
        'VMIGuestStorageLatencyHigh warning 15m',
        'PVCBlockLatencyHigh warning 10m',
        'PVCNFSLatencyHigh warning 10m',
      ],
      ['kubevirt-overhead', 'KSMDCPUHigh warning 10m', 'KhugepagedCPUHigh warning 10m'],
      [
        'kubevirt-metrics-exporter-health',
        'KMEQMPPollStale warning 5m',
        'KMEQGAPollStale warning 5m',
        'KMEQMPScrapeErrors warning 15m',
        'KMEQGAScrapeErrors warning 15m',
        'KMEKVMPollStale warning 5m',
        'KMEKVMScrapeErrors warning 15m',
        'KMECgroupPollStale warning 5m',
        'KMECgroupScrapeErrors warning 15m',
        'KMEeBPFSubsystemDown warning 10m',
        'KMEAbsent critical 10m',
      ],
    ],
  );
});

for (const { alert, labels, annotations } of groupsWith().flatMap(({ rules }) => rules)) {
  test(`${alert} says what is the matter`, (t) => {
    t.deepEqual(Object.keys(labels), ['severity']);
    t.deepEqual(Object.keys(annotations), ['runbook_url', 'summary', 'description']);
  });
}

for (const [alert, switches] of Object.entries({
  QMP: ['ENABLE_QMP'],
  QGA: ['ENABLE_QGA'],
  KVM: ['ENABLE_KVM'],
  Cgroup: ['ENABLE_CGROUP'],
})) {
  test(`what ${switches.join()} switches off has no alerts`, (t) => {
    for (const off of [false, 'false', 'F', 0]) {
      const names = namesWith({ [switches[0] as string]: off });
      t.is(names.length, 18);
      t.false(names.includes(`KME${alert}PollStale`));
      t.false(names.includes(`KME${alert}ScrapeErrors`));
    }
    t.is(namesWith({ [switches[0] as string]: true }).length, 20);
  });
}

test('nor has eBPF, switched off as a whole or for block devices', (t) => {
  for (const name of ['ENABLE_EBPF', 'ENABLE_EBPF_BLOCK']) {
    t.false(namesWith({ [name]: false }).includes('KMEeBPFSubsystemDown'));
  }
});

for (const [interval, limit] of [
  ['30s', 90],
  ['1m', 150],
  ['2m', 270],
  ['90s', 210],
  ['', 150],
] as const) {
  test(`a poll due every ${interval || 'default interval'} is too old after ${limit} seconds`, (t) => {
    t.is(
      expressionOf('KMEQMPPollStale', { QMP_POLL_INTERVAL: interval }),
      `time() - kme_qmp_last_poll_timestamp_seconds > ${limit}`,
    );
  });
}

test('an interval that is not whole seconds, or none at all, has no limit', (t) => {
  for (const interval of ['1.5m', '500ms', '0s', 'often'])
    t.is(expressionOf('KMEQMPPollStale', { QMP_POLL_INTERVAL: interval }), undefined);
  t.is(namesWith({ QMP_POLL_INTERVAL: '500ms' }).length, 19);
});

/** A request a second, each taking as long as its bounds say: those of the bucket that it falls into. */
function histogram(metric: string, labels: string, [above, upTo]: readonly [number, number], perMinute = 60): Body[] {
  const bounds = [...new Set([0.01, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 1, above, upTo])].filter((bound) => bound > 0);
  const values = (bound: number) => `0+${bound >= upTo ? perMinute : 0}x90`;
  return [
    ...bounds.map((bound) => ({ series: `${metric}_bucket{${labels}, le="${bound}"}`, values: values(bound) })),
    { series: `${metric}_bucket{${labels}, le="+Inf"}`, values: `0+${perMinute}x90` },
    { series: `${metric}_count{${labels}}`, values: `0+${perMinute}x90` },
  ];
}

const io = 'kubevirt_vmi_storage_io_latency_seconds';
const vm = (name: string, operation: string) =>
  `namespace="a", name="${name}", node="w0", disk="vda", operation="${operation}"`;
const ofVm = { namespace: 'a', name: 'vm', disk: 'vda' };
const ofDisk = { namespace: 'a', name: 'vm', node: 'w0', bus: 'virtio' };
const ofGuest = 'namespace="a", name="vm", node="w0", disk="vda", drive="C:"';
const ofClaim = { namespace: 'a', persistentvolumeclaim: 'c', pod: 'p', operation: 'read' };
const claim = 'namespace="a", persistentvolumeclaim="c", pod="p", node="w0", operation="read"';
const ofNode = { node: 'w0' };
const constant = (series: string, value: number) => ({ series, values: `${value}x90` });
const rising = (series: string, perMinute: number) => ({ series, values: `0+${perMinute}x90` });
/** Labels of a disk that names neither itself nor a claim. */
const disk = 'namespace="a", name="vm", node="w0", disk="", persistentvolumeclaim="", bus="virtio"';
const queues = (inUse: number) => [
  constant(`kubevirt_vmi_storage_queue_inuse{${disk}}`, inUse),
  constant(`kubevirt_vmi_storage_queue_size{${disk}}`, 100),
];
/** Of four VMs of a node that read, how many wait; a fifth does nothing. */
const waiting = (count: number) => [
  ...['1', '2', '3', '4'].flatMap((name, index) =>
    histogram(io, vm(name, 'read'), index < count ? [0.5, 0.6] : [0.01, 0.1]),
  ),
  ...histogram(io, vm('5', 'write'), [0.5, 0.6], 0),
];

/**
 * Points in time for each alert; a rate is complete only once its whole window has passed. First series by which it never
 * fires, though only just; then series by which it does, a minute at which it is still silent and one at which it is heard,
 * and its labels besides the severity.
 */
const points: Record<
  string,
  { quiet: readonly Body[]; loud: readonly Body[]; at: readonly [number, number]; labels: Record<string, string> }
> = {
  ...Object.fromEntries(
    (
      [
        ['VMIStorageWriteLatencyHigh', 'write', 0.1, 0.2, [10, 12]],
        ['VMIStorageReadLatencyHigh', 'read', 0.1, 0.2, [10, 12]],
        ['VMIStorageFlushLatencyHigh', 'flush', 0.5, 0.6, [15, 17]],
      ] as const
    ).map(([alert, operation, limit, slow, at]) => [
      alert,
      {
        quiet: histogram(io, vm('vm', operation), [limit / 2, limit]),
        loud: histogram(io, vm('vm', operation), [limit, slow]),
        at,
        labels: ofVm,
      },
    ]),
  ),
  // Half of those that do anything is not enough.
  NodeVMStorageLatencyWidespread: { quiet: waiting(2), loud: waiting(3), at: [10, 12], labels: ofNode },
  VMIDiskSaturated: { quiet: queues(90), loud: queues(91), at: [4, 5], labels: ofDisk },
  VMIGuestStorageLatencyHigh: {
    quiet: [constant(`kubevirt_vmi_storage_guest_latency_avg_seconds{${ofGuest}}`, 0.1)],
    loud: [constant(`kubevirt_vmi_storage_guest_latency_avg_seconds{${ofGuest}}`, 0.11)],
    at: [14, 15],
    labels: { ...ofVm, node: 'w0', drive: 'C:' },
  },
  PVCBlockLatencyHigh: {
    quiet: histogram('kme_block_io_latency_seconds', claim, [0.01, 0.1]),
    loud: histogram('kme_block_io_latency_seconds', claim, [0.1, 0.2]),
    at: [10, 12],
    labels: ofClaim,
  },
  PVCNFSLatencyHigh: {
    quiet: histogram('kme_nfs_io_latency_seconds', claim, [0.1, 0.25]),
    loud: histogram('kme_nfs_io_latency_seconds', claim, [0.25, 0.3]),
    at: [10, 12],
    labels: ofClaim,
  },
  KSMDCPUHigh: {
    quiet: [rising('kme_cgroup_ksmd_cpu_seconds_total{node="w0"}', 30)],
    loud: [rising('kme_cgroup_ksmd_cpu_seconds_total{node="w0"}', 31)],
    at: [10, 16],
    labels: ofNode,
  },
  KhugepagedCPUHigh: {
    quiet: [rising('kme_cgroup_khugepaged_cpu_seconds_total{node="w0"}', 5)],
    loud: [rising('kme_cgroup_khugepaged_cpu_seconds_total{node="w0"}', 7)],
    at: [10, 16],
    labels: ofNode,
  },
  ...Object.fromEntries(
    (
      [
        ['QMP', 150],
        ['QGA', 150],
        ['KVM', 90],
        ['Cgroup', 90],
      ] as const
    ).flatMap(([source, limit]) => {
      const series = `kme_${source.toLowerCase()}_last_poll_timestamp_seconds{node="w0"}`;
      // Over its limit at the first whole minute after it.
      const over = Math.floor(limit / 60) + 1;
      const errors = `kme_${source.toLowerCase()}_scrape_errors_total{node="w0"}`;
      return [
        [
          `KME${source}PollStale`,
          { quiet: [rising(series, 60)], loud: [constant(series, 0)], at: [over + 4, over + 5], labels: ofNode },
        ],
        [
          `KME${source}ScrapeErrors`,
          { quiet: [rising(errors, 6)], loud: [rising(errors, 7)], at: [15, 32], labels: ofNode },
        ],
      ];
    }),
  ),
  KMEeBPFSubsystemDown: {
    quiet: [
      constant('kme_subsystem_active{node="w0", subsystem="block"}', 1),
      constant('kme_subsystem_active{node="w0", subsystem="nfs"}', 0),
    ],
    loud: [constant('kme_subsystem_active{node="w0", subsystem="block"}', 0)],
    at: [9, 10],
    labels: { ...ofNode, subsystem: 'block' },
  },
  // One that is left is enough; one that is down counts as none.
  KMEAbsent: {
    quiet: [
      constant('up{job="kubevirt-metrics-exporter", node="w0"}', 1),
      constant('up{job="kubevirt-metrics-exporter", node="w1"}', 0),
    ],
    loud: [constant('up{job="kubevirt-metrics-exporter", node="w1"}', 0), constant('up{job="other"}', 1)],
    at: [9, 10],
    labels: {},
  },
};

const groups = groupsWith();
const rules: Body[] = groups.flatMap((group) => group.rules);

test('there are points in time for each alert', (t) => {
  t.deepEqual(Object.keys(points).sort(), rules.map(({ alert }) => alert).sort());
});

for (const { annotations: _, ...rule } of rules) {
  test(`${rule.alert} fires above its limit and after its time, not before (promtool)`, async (t) => {
    const { quiet, loud, at, labels } = points[rule.alert] ?? { quiet: [], loud: [], at: [0, 0], labels: {} };
    const isDue = (minute: number, exp_labels?: Body) => ({
      eval_time: `${minute}m`,
      alertname: rule.alert,
      exp_alerts: exp_labels === undefined ? [] : [{ exp_labels }],
    });
    const [silent, heard] = at;
    // Only labels are compared: what is written of them has no place in a test of when they fire.
    await checkWithPromtool(
      t,
      [{ name: 'one', rules: [rule] }],
      [
        { interval: '1m', input_series: quiet, alert_rule_test: [heard, 60].map((minute) => isDue(minute)) },
        {
          interval: '1m',
          input_series: loud,
          alert_rule_test: [isDue(silent), isDue(heard, { ...rule.labels, ...labels })],
        },
      ],
    );
  });
}

test('the alerts, as they are, are well-formed, and nothing is wrong where nothing is known (promtool)', async (t) => {
  await checkWithPromtool(t, groups, [
    {
      interval: '1m',
      input_series: [constant('up{job="kubevirt-metrics-exporter"}', 1)],
      alert_rule_test: rules.map(({ alert }) => ({ eval_time: '30m', alertname: alert, exp_alerts: [] })),
    },
  ]);
});

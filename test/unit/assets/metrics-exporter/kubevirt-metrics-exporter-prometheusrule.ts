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

/** A histogram whose requests all take between two bounds. */
function histogram(metric: string, labels: string, [fast, slow]: readonly [number, number]): Body[] {
  return [
    { series: `${metric}_bucket{${labels}, le="0.01"}`, values: `0+${fast}x60` },
    { series: `${metric}_bucket{${labels}, le="0.1"}`, values: `0+${fast}x60` },
    { series: `${metric}_bucket{${labels}, le="1"}`, values: `0+${fast + slow}x60` },
    { series: `${metric}_bucket{${labels}, le="+Inf"}`, values: `0+${fast + slow}x60` },
    { series: `${metric}_count{${labels}}`, values: `0+${fast + slow}x60` },
  ];
}

const vm = (name: string, operation: string) =>
  `namespace="a", name="${name}", node="w0", disk="vda", operation="${operation}"`;
const latency = 'kubevirt_vmi_storage_io_latency_seconds';

test('the alerts fire when they should, and only then (promtool)', async (t) => {
  const firing = (alertname: string, eval_time: string, labels: Record<string, string>[]) => ({
    eval_time,
    alertname,
    exp_alerts: labels.map((exp_labels) => ({ exp_labels })),
  });
  const exact = groupsWith().map((group) => ({
    ...group,
    // Only labels are compared: what is written of them has no place in a test of when they fire.
    rules: group.rules.map(({ annotations: _, ...rule }: Body) => rule),
  }));
  await checkWithPromtool(t, groupsWith());
  await checkWithPromtool(t, exact, [
    {
      interval: '1m',
      input_series: [
        ...histogram(latency, vm('slow', 'write'), [0, 60]),
        ...histogram(latency, vm('slower', 'read'), [0, 60]),
        ...histogram(latency, vm('fast', 'write'), [60, 0]),
        ...histogram(latency, vm('idle', 'write'), [0, 0]),
        {
          series:
            'kubevirt_vmi_storage_queue_inuse{namespace="a", name="full", node="w0", disk="", persistentvolumeclaim="", bus="virtio"}',
          values: '124x60',
        },
        {
          series:
            'kubevirt_vmi_storage_queue_size{namespace="a", name="full", node="w0", disk="", persistentvolumeclaim="", bus="virtio"}',
          values: '128x60',
        },
        { series: 'kme_cgroup_ksmd_cpu_seconds_total{node="w0"}', values: '0+36x60' },
        { series: 'kme_cgroup_khugepaged_cpu_seconds_total{node="w0"}', values: '0+3x60' },
        { series: 'kme_qmp_last_poll_timestamp_seconds{node="w0"}', values: '0x60' },
        { series: 'kme_kvm_last_poll_timestamp_seconds{node="w0"}', values: '0+60x60' },
        { series: 'kme_subsystem_active{node="w0", subsystem="block"}', values: '0x60' },
        { series: 'kme_subsystem_active{node="w0", subsystem="nfs"}', values: '0x60' },
        { series: 'up{job="kubevirt-metrics-exporter", node="w0"}', values: '1x30 0x30' },
      ],
      alert_rule_test: [
        firing('VMIStorageWriteLatencyHigh', '9m', []),
        firing('VMIStorageWriteLatencyHigh', '15m', [
          { severity: 'warning', namespace: 'a', name: 'slow', disk: 'vda' },
        ]),
        firing('VMIStorageReadLatencyHigh', '15m', [
          { severity: 'warning', namespace: 'a', name: 'slower', disk: 'vda' },
        ]),
        firing('VMIStorageFlushLatencyHigh', '30m', []),
        // Two of the three that do anything.
        firing('NodeVMStorageLatencyWidespread', '15m', [{ severity: 'critical', node: 'w0' }]),
        firing('VMIDiskSaturated', '4m', []),
        firing('VMIDiskSaturated', '6m', [
          { severity: 'critical', namespace: 'a', name: 'full', node: 'w0', bus: 'virtio' },
        ]),
        firing('KSMDCPUHigh', '15m', [{ severity: 'warning', node: 'w0' }]),
        firing('KhugepagedCPUHigh', '15m', []),
        firing('KMEQMPPollStale', '7m', []),
        firing('KMEQMPPollStale', '8m', [{ severity: 'warning', node: 'w0' }]),
        firing('KMEKVMPollStale', '30m', []),
        firing('KMEeBPFSubsystemDown', '10m', [{ severity: 'warning', node: 'w0', subsystem: 'block' }]),
        firing('KMEAbsent', '30m', []),
        firing('KMEAbsent', '41m', [{ severity: 'critical' }]),
      ],
    },
  ]);
});

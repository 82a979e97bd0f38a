import test from 'ava';
import { type Body, bodyOf } from '../_assets.ts';
import { conditions, inFlight } from './_rules.ts';

type Example = readonly [object: Body, operations: readonly string[]];

type RuleSet = {
  component: string;
  /** group/version/resource */
  target: string;
  /** correlation group and role */
  labels?: readonly [string, string];
  operations: readonly string[];
  examples: readonly Example[];
};

const status = (given: Body): Body => ({ status: given });

/** Each phase is the operation of that name, and others are none. */
function byPhase(phases: readonly string[], field = 'phase'): Example[] {
  const examples = phases.map((phase): Example => [status({ [field]: phase }), [phase]]);
  return [...examples, [status({ [field]: 'Succeeded' }), []], [status({ [field]: '' }), []]];
}

/** An operation that several phases are. */
function ofPhases(operation: string, ...phases: string[]): Example[] {
  return phases.map((phase) => [status({ phase }), [operation]]);
}

const five = ['Deploying', 'Reconciling', 'ReconcilingDegraded', 'Healing', 'Failing'];
const operator = (Available: string, Progressing: string, Degraded: string) =>
  conditions({ Available, Progressing, Degraded, Upgradeable: 'True' });
const fiveExamples: readonly Example[] = [
  [operator('False', 'True', 'False'), ['Deploying']],
  [operator('True', 'True', 'False'), ['Reconciling']],
  [operator('True', 'True', 'True'), ['ReconcilingDegraded']],
  [operator('False', 'True', 'True'), ['Healing']],
  [operator('False', 'False', 'True'), ['Failing']],
  [operator('True', 'False', 'False'), []],
  [operator('True', 'False', 'True'), []],
  [operator('Unknown', 'True', 'False'), []],
  [conditions({ Available: 'True', Progressing: 'True' }), []],
];

const child = ['hco-stack', 'child'] as const;
const deleting = byPhase(['Deleting', 'Upgrading']);
const mover = ofPhases('InProgress', 'Accepted', 'Prepared', 'InProgress');
const backup = [
  ...ofPhases('InProgress', 'InProgress'),
  ...ofPhases('WaitingForPluginOperations', 'WaitingForPluginOperations', 'WaitingForPluginOperationsPartiallyFailed'),
  ...ofPhases('Finalizing', 'Finalizing', 'FinalizingPartiallyFailed'),
  [status({ phase: 'Completed' }), []],
] satisfies Example[];
const backupOperations = ['InProgress', 'WaitingForPluginOperations', 'Finalizing'];
const fenced = (reason: string) =>
  status({ conditions: [{ type: 'FenceAgentActionSucceeded', status: 'False', reason }] });
const machines = (replicas: number, readyReplicas?: number) => ({ spec: { replicas }, status: { readyReplicas } });

const sets: Record<string, RuleSet> = {
  'volumesnapshot-rules': {
    component: 'csi',
    target: 'snapshot.storage.k8s.io/v1/volumesnapshots',
    operations: ['Provisioning'],
    examples: [
      [status({}), ['Provisioning']],
      [status({ readyToUse: false }), ['Provisioning']],
      [status({ readyToUse: true }), []],
    ],
  },
  'fenceagentsremediation-rules': {
    component: 'far',
    target: 'fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediations',
    operations: ['Remediating', 'Failing', 'TimingOut'],
    examples: [
      [conditions({ Processing: 'True' }), ['Remediating']],
      [conditions({ Processing: 'False' }), []],
      [fenced('Failing'), ['Failing']],
      [fenced('FenceAgentFailed'), ['Failing']],
      [fenced('TimingOut'), ['TimingOut']],
      [fenced('FenceAgentTimedOut'), ['TimingOut']],
      [fenced('RemediationInterruptedByNHC'), []],
      [conditions({ FenceAgentActionSucceeded: 'False' }), []],
    ],
  },
  'plan-rules': {
    component: 'forklift',
    target: 'forklift.konveyor.io/v1beta1/plans',
    operations: ['Executing'],
    examples: [
      [conditions({ Executing: 'True' }), ['Executing']],
      [conditions({ Executing: 'False' }), []],
    ],
  },
  'aaq-rules': {
    component: 'hco',
    target: 'aaq.kubevirt.io/v1alpha1/aaqs',
    labels: child,
    operations: [...five, 'Deleting', 'Upgrading'],
    examples: [...fiveExamples, ...deleting],
  },
  'cdi-rules': {
    component: 'hco',
    target: 'cdi.kubevirt.io/v1beta1/cdis',
    labels: child,
    operations: [...five, 'Deleting', 'Upgrading'],
    examples: [...fiveExamples, ...deleting],
  },
  'cnao-rules': {
    component: 'hco',
    target: 'networkaddonsoperator.network.kubevirt.io/v1/networkaddonsconfigs',
    labels: child,
    operations: five,
    examples: fiveExamples,
  },
  'hco-rules': {
    component: 'hco',
    target: 'hco.kubevirt.io/v1beta1/hyperconvergeds',
    labels: ['hco-stack', 'root'],
    operations: five,
    examples: fiveExamples,
  },
  'hpp-rules': {
    component: 'hco',
    target: 'hostpathprovisioner.kubevirt.io/v1beta1/hostpathprovisioners',
    labels: child,
    operations: five,
    examples: fiveExamples,
  },
  'kubevirt-rules': {
    component: 'hco',
    target: 'kubevirt.io/v1/kubevirts',
    labels: child,
    operations: [...five, 'Deleting', 'Upgrading', 'UpdateRollingOut'],
    examples: [
      ...fiveExamples,
      [status({ phase: 'Deleting' }), ['Deleting']],
      [status({ observedKubeVirtVersion: 'v1.5.0', targetKubeVirtVersion: 'v1.6.0' }), ['Upgrading']],
      [status({ observedKubeVirtVersion: 'v1.6.0', targetKubeVirtVersion: 'v1.6.0' }), []],
      [status({ targetKubeVirtVersion: 'v1.6.0' }), []],
      [
        status({ ...conditions({ Available: 'True' }).status, outdatedVirtualMachineInstanceWorkloads: 3 }),
        ['UpdateRollingOut'],
      ],
      [status({ ...conditions({ Available: 'True' }).status, outdatedVirtualMachineInstanceWorkloads: 0 }), []],
      [status({ ...conditions({ Available: 'False' }).status, outdatedVirtualMachineInstanceWorkloads: 3 }), []],
    ],
  },
  'ssp-rules': {
    component: 'hco',
    target: 'ssp.kubevirt.io/v1beta3/ssps',
    labels: child,
    operations: [...five, 'Paused', 'Deleting', 'Upgrading'],
    examples: [
      ...fiveExamples,
      ...deleting,
      [status({ paused: true }), ['Paused']],
      [status({ paused: false }), []],
      [status({ paused: true, phase: 'Upgrading' }), ['Paused', 'Upgrading']],
    ],
  },
  'vm-lifecycle-rules': {
    component: 'kubevirt',
    target: 'kubevirt.io/v1/virtualmachines',
    operations: ['Migrating', 'Starting', 'Stopping', 'Provisioning', 'Terminating', 'WaitingForReceiver'],
    examples: byPhase(
      ['Migrating', 'Starting', 'Stopping', 'Provisioning', 'Terminating', 'WaitingForReceiver'],
      'printableStatus',
    ),
  },
  'vmi-rules': {
    component: 'kubevirt',
    target: 'kubevirt.io/v1/virtualmachineinstances',
    operations: [
      ...['Pending', 'Scheduling', 'Scheduled', 'WaitingForSync'],
      ...['Provisioning', 'VCPUChange', 'MemoryChange'],
    ],
    examples: [
      ...byPhase(['Pending', 'Scheduling', 'Scheduled', 'WaitingForSync']),
      [conditions({ Provisioning: 'True' }), ['Provisioning']],
      [conditions({ HotVCPUChange: 'True', HotMemoryChange: 'False' }), ['VCPUChange']],
      [conditions({ HotMemoryChange: 'True' }), ['MemoryChange']],
    ],
  },
  'vmim-rules': {
    component: 'kubevirt',
    target: 'kubevirt.io/v1/virtualmachineinstancemigrations',
    operations: ['Pending', 'Scheduling', 'Scheduled', 'Running', 'PreparingTarget'],
    examples: byPhase(['Pending', 'Scheduling', 'Scheduled', 'Running', 'PreparingTarget']),
  },
  'vm-clone-rules': {
    component: 'kubevirt',
    target: 'clone.kubevirt.io/v1beta1/virtualmachineclones',
    operations: ['SnapshotInProgress', 'CreatingTargetVM', 'RestoreInProgress', 'Failed'],
    examples: byPhase(['SnapshotInProgress', 'CreatingTargetVM', 'RestoreInProgress', 'Failed']),
  },
  'vm-export-rules': {
    component: 'kubevirt',
    target: 'export.kubevirt.io/v1beta1/virtualmachineexports',
    operations: ['Pending'],
    examples: byPhase(['Pending']),
  },
  'vm-restore-rules': {
    component: 'kubevirt',
    target: 'snapshot.kubevirt.io/v1beta1/virtualmachinerestores',
    operations: ['InProgress', 'Failed'],
    examples: [
      ...byPhase(['InProgress', 'Failed']),
      [conditions({ Progressing: 'True', Ready: 'False' }), ['InProgress']],
      [conditions({ Progressing: 'False', Failure: 'True' }), ['Failed']],
      [conditions({ Progressing: 'False', Ready: 'True' }), []],
    ],
  },
  'vm-snapshot-rules': {
    component: 'kubevirt',
    target: 'snapshot.kubevirt.io/v1beta1/virtualmachinesnapshots',
    operations: ['InProgress', 'Failed'],
    examples: byPhase(['InProgress', 'Failed']),
  },
  'nnce-rules': {
    component: 'nmstate',
    target: 'nmstate.io/v1beta1/nodenetworkconfigurationenactments',
    labels: ['network-config', 'child'],
    operations: ['Configuring', 'Pending', 'Failing'],
    examples: [
      [conditions({ Progressing: 'True', Pending: 'False', Failing: 'False' }), ['Configuring']],
      [conditions({ Progressing: 'False', Pending: 'True' }), ['Pending']],
      [conditions({ Failing: 'True' }), ['Failing']],
    ],
  },
  'nncp-rules': {
    component: 'nmstate',
    target: 'nmstate.io/v1/nodenetworkconfigurationpolicies',
    labels: ['network-config', 'root'],
    operations: ['Configuring', 'ConfiguringDegraded'],
    examples: [
      [conditions({ Progressing: 'True' }), ['Configuring']],
      [conditions({ Progressing: 'True', Degraded: 'False' }), ['Configuring']],
      [conditions({ Progressing: 'True', Degraded: 'True' }), ['ConfiguringDegraded']],
      [conditions({ Progressing: 'False', Degraded: 'True' }), []],
    ],
  },
  'nodemaintenance-rules': {
    component: 'nodemaintenance',
    target: 'nodemaintenance.medik8s.io/v1beta1/nodemaintenances',
    operations: ['Draining'],
    examples: [...ofPhases('Draining', 'Running'), [status({ phase: 'Succeeded' }), []]],
  },
  'velero-backup-rules': {
    component: 'oadp',
    target: 'velero.io/v1/backups',
    labels: ['data-protection', 'root'],
    operations: backupOperations,
    examples: backup,
  },
  'velero-restore-rules': {
    component: 'oadp',
    target: 'velero.io/v1/restores',
    labels: ['data-protection', 'root'],
    operations: backupOperations,
    examples: backup,
  },
  'velero-deletebackuprequest-rules': {
    component: 'oadp',
    target: 'velero.io/v1/deletebackuprequests',
    labels: ['data-protection', 'root'],
    operations: ['Deleting'],
    examples: [...ofPhases('Deleting', 'InProgress'), [status({ phase: 'Processed' }), []]],
  },
  ...Object.fromEntries(
    [
      ['velero-datadownload-rules', 'velero.io/v2alpha1/datadownloads'],
      ['velero-dataupload-rules', 'velero.io/v2alpha1/datauploads'],
      ['velero-podvolumebackup-rules', 'velero.io/v1/podvolumebackups'],
      ['velero-podvolumerestore-rules', 'velero.io/v1/podvolumerestores'],
    ].map(([name = '', target = '']) => [
      name,
      {
        component: 'oadp',
        target,
        labels: ['data-protection', 'child'],
        operations: ['InProgress', 'Canceling'],
        examples: [...mover, ...byPhase(['Canceling'])],
      } satisfies RuleSet,
    ]),
  ),
  'csv-rules': {
    component: 'olm',
    target: 'operators.coreos.com/v1alpha1/clusterserviceversions',
    labels: ['olm-install', 'child'],
    operations: ['Pending', 'Installing', 'Replacing', 'Deleting', 'Failing'],
    examples: [...byPhase(['Pending', 'Installing', 'Replacing', 'Deleting']), ...ofPhases('Failing', 'Failed')],
  },
  'installplan-rules': {
    component: 'olm',
    target: 'operators.coreos.com/v1alpha1/installplans',
    labels: ['olm-install', 'child'],
    operations: ['Planning', 'Installing', 'RequiresApproval'],
    examples: byPhase(['Planning', 'Installing', 'RequiresApproval']),
  },
  'subscription-rules': {
    component: 'olm',
    target: 'operators.coreos.com/v1alpha1/subscriptions',
    labels: ['olm-install', 'root'],
    operations: ['Unpacking', 'InstallPlanPending'],
    examples: [
      [conditions({ BundleUnpacking: 'True' }), ['Unpacking']],
      [conditions({ BundleUnpacking: 'False' }), []],
      [conditions({ InstallPlanPending: 'True' }), ['InstallPlanPending']],
      [conditions({ InstallPlanPending: 'False' }), []],
    ],
  },
  'build-rules': {
    component: 'openshift',
    target: 'build.openshift.io/v1/builds',
    operations: ['Pending', 'Running'],
    examples: byPhase(['Pending', 'Running']),
  },
  'clusteroperator-rules': {
    component: 'openshift',
    target: 'config.openshift.io/v1/clusteroperators',
    labels: ['cluster-update', 'child'],
    operations: [...five, 'NotUpgradeable'],
    examples: [...fiveExamples, [conditions({ Upgradeable: 'False' }), ['NotUpgradeable']]],
  },
  'machine-rules': {
    component: 'openshift',
    target: 'machine.openshift.io/v1beta1/machines',
    operations: ['Provisioning', 'Provisioned', 'Deleting', 'Failed'],
    examples: byPhase(['Provisioning', 'Provisioned', 'Deleting', 'Failed']),
  },
  'machineconfigpool-rules': {
    component: 'openshift',
    target: 'machineconfiguration.openshift.io/v1/machineconfigpools',
    operations: [
      ...['Updating', 'UpdatingDegraded', 'Degraded', 'NodeDegraded', 'RenderDegraded'],
      ...['Paused', 'Building', 'BuildFailed'],
    ],
    examples: [
      [conditions({ Updating: 'True', Degraded: 'False' }), ['Updating']],
      [conditions({ Updating: 'True', Degraded: 'True', NodeDegraded: 'True' }), ['UpdatingDegraded', 'NodeDegraded']],
      [conditions({ Updating: 'False', Degraded: 'True', RenderDegraded: 'True' }), ['Degraded', 'RenderDegraded']],
      [conditions({ Updating: 'False', Degraded: 'False', Updated: 'True' }), []],
      [{ spec: { paused: true } }, ['Paused']],
      [{ spec: { paused: false } }, []],
      [conditions({ Building: 'True' }), ['Building']],
      [conditions({ BuildFailed: 'True' }), ['BuildFailed']],
    ],
  },
  'machineset-rules': {
    component: 'openshift',
    target: 'machine.openshift.io/v1beta1/machinesets',
    operations: ['ScalingUp', 'ScalingDown'],
    examples: [
      [machines(3, 1), ['ScalingUp']],
      [machines(3), ['ScalingUp']],
      [machines(1, 3), ['ScalingDown']],
      [machines(0, 3), ['ScalingDown']],
      [machines(3, 3), []],
      [machines(0), []],
    ],
  },
  'storageversionmigration-rules': {
    component: 'openshift',
    target: 'migration.k8s.io/v1alpha1/storageversionmigrations',
    labels: ['cluster-update', 'child'],
    operations: ['Migrating'],
    examples: [
      [conditions({ Running: 'True' }), ['Migrating']],
      [conditions({ Running: 'False', Succeeded: 'True' }), []],
    ],
  },
};

for (const [name, { component, target, labels, operations, examples }] of Object.entries(sets)) {
  test(`${name} watch ${target} for ${operations.join(', ')}`, (t) => {
    const { spec } = bodyOf(`ifo-${name}`);
    t.is(spec.component, component);
    t.is(Object.values(spec.target).join('/'), target);
    t.deepEqual(
      spec.labels,
      labels && { 'ifo.kubevirt.io/correlation-group': labels[0], 'ifo.kubevirt.io/correlation-role': labels[1] },
    );
    t.deepEqual(
      spec.rules.map(({ operation }: Body) => operation),
      operations,
    );
  });

  test(`${name} tell each operation, and all that are shown to happen`, (t) => {
    const seen = new Set<string>();
    for (const [object, expected] of examples) {
      t.deepEqual(inFlight(`ifo-${name}`, object), [...expected], JSON.stringify(object));
      for (const operation of expected) seen.add(operation);
    }
    t.deepEqual([...seen].sort(), [...operations].sort());
  });
}

test('a stack has one root, but for backups, restores and the deleting of them', (t) => {
  const roots: Record<string, string[]> = {};
  for (const name of [...Object.keys(sets), 'clusterversion-rules']) {
    const labels = bodyOf(`ifo-${name}`).spec.labels ?? {};
    const group = labels['ifo.kubevirt.io/correlation-group'];
    if (labels['ifo.kubevirt.io/correlation-role'] === 'root') roots[group] = [...(roots[group] ?? []), name];
  }
  t.deepEqual(roots, {
    'hco-stack': ['hco-rules'],
    'network-config': ['nncp-rules'],
    'data-protection': ['velero-backup-rules', 'velero-restore-rules', 'velero-deletebackuprequest-rules'],
    'olm-install': ['subscription-rules'],
    'cluster-update': ['clusterversion-rules'],
  });
});

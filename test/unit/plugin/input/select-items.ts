import test from 'ava';
import { selectItems } from '../../../../plugin/input/select-items.ts';
import { UserError } from '../../../../plugin/user-error.ts';
import { item, live } from '../_plan.ts';

const inSync = { decision: 'in-sync', live } as const;
const items = [
  item('swap', inSync, {
    features: ['memory'],
    target: { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig', name: '90-swap' },
  }),
  item('psi', inSync, {
    group: 'load',
    features: ['pressure', 'stall'],
    target: { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig', name: '99-psi' },
  }),
  item('alerts', inSync, {
    group: 'load',
    target: { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', namespace: 'a', name: 'rules' },
  }),
  item('alerts-too', inSync, {
    target: { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', namespace: 'b', name: 'rules' },
  }),
];

const selects = test.macro({
  exec: (t, words: string[], namespace: string | undefined, assets: string[]) => {
    t.deepEqual(
      selectItems(items, words, { namespace }).map(({ asset }) => asset),
      assets,
    );
  },
  title: (_, words: string[], namespace, assets: string[]) =>
    `${words.join(' ') || 'nothing'}${namespace ? ` in ${namespace}` : ''} selects ${assets.join(', ') || 'nothing'}`,
});
test(selects, [], undefined, ['swap', 'psi', 'alerts', 'alerts-too']);
test(selects, [], 'a', ['alerts']);
test(selects, [], 'elsewhere', []);
test(selects, ['psi', 'swap'], undefined, ['swap', 'psi']);
test(selects, ['memory'], undefined, ['swap']);
test(selects, ['pressure'], undefined, ['psi']);
test(selects, ['stall'], undefined, ['psi']);
test(selects, ['load'], undefined, ['psi', 'alerts']);
test(selects, ['MachineConfig/99-psi'], undefined, ['psi']);
test(selects, ['machineconfigs.machineconfiguration.openshift.io/99-psi'], undefined, ['psi']);
test(selects, ['machineconfig', '99-psi', 'memory'], undefined, ['swap', 'psi']);
test(selects, ['PrometheusRule/rules'], undefined, ['alerts', 'alerts-too']);
test(selects, ['PrometheusRule/rules'], 'b', ['alerts-too']);
test(selects, ['PrometheusRule/a/rules'], undefined, ['alerts']);

const refuses = test.macro({
  exec: (t, words: string[], namespace: string | undefined, message: RegExp) => {
    t.throws(() => selectItems(items, words, { namespace }), { instanceOf: UserError, message });
  },
  title: (_, words: string[], namespace) =>
    `${words.join(' ')}${namespace ? ` in ${namespace}` : ''} is an error that helps`,
});
test(refuses, ['swpa'], undefined, /"swpa".*did you mean "swap"\?/);
test(refuses, ['nothing-like-it'], undefined, /"nothing-like-it".*: "status -o wide" lists all of them$/);
test(refuses, ['MachineConfig'], undefined, /"MachineConfig" is a kind: say which one, as in MachineConfig\/90-swap/);
test(refuses, ['MachineConfig', '99-psy'], undefined, /did you mean "MachineConfig\/99-psi"\?/);
test(refuses, ['core.machineconfig/99-psi'], undefined, /there is no/);
test(refuses, ['swap'], 'a', /"swap" is not in namespace a: MachineConfig\/90-swap is; leave -n out/);

import test from 'ava';
import { pluralOf } from '../../../../shared/catalog/plural.ts';

test('plurals are those of Kubernetes', (t) => {
  for (const [kind, plural] of [
    ['KubeDescheduler', 'kubedeschedulers'],
    ['Ingress', 'ingresses'],
    ['Prefix', 'prefixes'],
    ['Batch', 'batches'],
    ['NetworkPolicy', 'networkpolicies'],
    ['Gateway', 'gateways'],
    ['SecurityContextConstraints', 'securitycontextconstraints'],
    ['MetalLB', 'metallbs'],
    ['AAQ', 'aaqs'],
  ] as const) {
    t.is(pluralOf(kind), plural);
  }
});

import type { Examined } from '../../../../plugin/doctor/finding.ts';
import { planOf } from '../_plan.ts';

/** What a cluster without trouble looks like; `cluster` is there for checks that ask it nothing. */
export function examined(more: Partial<Examined> = {}): Examined {
  return {
    plan: planOf([]),
    snapshot: { apis: { known: true, resources: [] }, images: {}, reads: new Map(), verdicts: new Map() },
    catalog: { digest: 'sha256:0', assets: [], tombstones: [], features: [] },
    controller: { state: 'unknown', why: 'nobody looked' },
    failures: new Map(),
    kubectl: 'kubectl --context=prod --as=jane',
    adminKubectl: 'kubectl --context=prod',
    cluster: { connection: { server: 'https://api.example.com' } } as Examined['cluster'],
    server: { gitVersion: 'v1.36.0', major: '1', minor: '36', platform: 'linux/amd64' },
    user: 'jane',
    namespace: 'openshift-cnv',
    now: new Date('2026-01-01T12:00:00Z'),
    ...more,
  };
}

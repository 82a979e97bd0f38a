import test from 'ava';
import { likelyQuestions } from '../../../shared/engine/likely-questions.ts';
import { plan } from '../../../shared/engine/plan.ts';
import { questionKey } from '../../../shared/engine/snapshot.ts';
import { catalog } from './_assets.ts';
import { goldenClusters, snapshotOf } from './_golden-clusters.ts';

for (const [name, cluster] of Object.entries(goldenClusters)) {
  test(`${name}: what is likely to be asked is asked, but for five objects at most`, (t) => {
    const snapshot = snapshotOf(cluster);
    const asked = new Set(plan(catalog, snapshot).reads.map(questionKey));
    const likely = likelyQuestions(catalog, snapshot).map(questionKey);
    const inVain = likely.filter((key) => !asked.has(key));
    t.true(inVain.length <= 5 && inVain.every((key) => key.startsWith('get ')), inVain.join('\n'));
  });
}

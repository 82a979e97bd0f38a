import { createHash } from 'node:crypto';
import { goldenClusters, goldenText } from './_golden-clusters.ts';

// What a process of its own makes of the clusters: run with other locales, time zones and clocks.
const text = Object.entries(goldenClusters).map(([name, cluster]) => goldenText(name, cluster));
process.stdout.write(createHash('sha256').update(text.join('\n')).digest('hex'));

import type { ComparedObject } from './compared-object.ts';
import { type StatusItem, statusItem } from './status-report.ts';

/** What `diff -o json` prints: stable, documented, the same as YAML. Only objects that differ are in it. */
export type DiffReport = {
  readonly apiVersion: 'virt-platform/v1';
  readonly kind: 'Diff';
  readonly items: readonly (Pick<StatusItem, 'asset' | 'target' | 'decision'> & Required<Pick<StatusItem, 'drift'>>)[];
};

export function diffReport(objects: readonly ComparedObject[]): DiffReport {
  return {
    apiVersion: 'virt-platform/v1',
    kind: 'Diff',
    items: objects.map(({ item, drift }) => {
      const { asset, target, decision } = statusItem(item);
      return {
        asset,
        target,
        decision,
        // Every key is always there: what is absent is null.
        drift: drift.map(({ pointer, live, desired, manager, time }) => ({
          pointer,
          live: live ?? null,
          desired: desired ?? null,
          manager,
          time,
        })),
      };
    }),
  };
}

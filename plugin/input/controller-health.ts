import { keyPrefix } from '../../shared/api/names.ts';
import type { ReadAnswer } from '../../shared/engine/snapshot.ts';
import { formatAge } from '../output/format-age.ts';

/** What the controller's Lease tells about it. */
export type ControllerHealth =
  | { readonly state: 'not-found' }
  /** Not looked, or it couldn't be read. */
  | { readonly state: 'unknown'; readonly why: string }
  | {
      readonly state: 'found';
      /** The pod that leads; null between leaders. */
      readonly holder: string | null;
      readonly renewTime: string | null;
      readonly lastPass: string | null;
      readonly version: string | null;
      readonly catalogDigest: string | null;
    };

/** Annotations that the controller keeps on its Lease. */
export const leaseAnnotation = {
  version: `${keyPrefix}version`,
  catalogDigest: `${keyPrefix}catalog-digest`,
  lastPass: `${keyPrefix}last-pass`,
} as const;

/** Health from the answer to reading the Lease. */
export function controllerHealth(answer: ReadAnswer): ControllerHealth {
  switch (answer.answer) {
    case 'absent':
      return { state: 'not-found' };
    case 'unknown':
      return { state: 'unknown', why: answer.why };
    case 'list':
      return { state: 'unknown', why: 'a list came instead of a Lease' };
    case 'object': {
      const { metadata, spec } = answer.object;
      const { holderIdentity, renewTime } = Object(spec);
      const annotations = metadata.annotations ?? {};
      return {
        state: 'found',
        holder: textOrNull(holderIdentity),
        renewTime: textOrNull(renewTime),
        lastPass: annotations[leaseAnnotation.lastPass] ?? null,
        version: annotations[leaseAnnotation.version] ?? null,
        catalogDigest: annotations[leaseAnnotation.catalogDigest] ?? null,
      };
    }
    default:
      return answer satisfies never;
  }
}

/** A warning where the controller decides by another catalog than the one with this digest. */
export function catalogSkew(health: ControllerHealth, digest: string): string | undefined {
  if (health.state !== 'found' || health.catalogDigest === null || health.catalogDigest === digest) return undefined;
  return `the controller (${health.version ?? 'of unknown version'}) has another catalog than this plugin, so they may decide differently: use the same version of both`;
}

/** One line for people. */
export function formatControllerHealth(health: ControllerHealth, now: Date): string {
  switch (health.state) {
    case 'not-found':
      return 'not found (nothing is kept in sync until it is installed)';
    case 'unknown':
      return `unknown: ${health.why}`;
    case 'found': {
      const lastPass = health.lastPass === null ? undefined : formatAge(new Date(health.lastPass), now);
      const renewed = health.renewTime === null ? undefined : formatAge(new Date(health.renewTime), now);
      return [
        health.version === null ? 'installed' : `version ${health.version}`,
        health.holder === null ? 'no leader' : `leader ${health.holder}`,
        lastPass === undefined
          ? renewed === undefined
            ? 'no pass yet'
            : `last seen ${renewed} ago`
          : `last pass ${lastPass} ago`,
      ].join(', ');
    }
    default:
      return health satisfies never;
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

import { leaseAnnotation } from '../../shared/api/lease.ts';
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
      readonly leaseDurationSeconds: number | null;
      readonly lastPass: string | null;
      /** Of the HyperConverged that was planned last. */
      readonly plannedGeneration: number | null;
      readonly version: string | null;
      readonly catalogDigest: string | null;
      /** Image references by name, with which it renders. */
      readonly images: Readonly<Record<string, string>>;
    };

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
      const { holderIdentity, renewTime, leaseDurationSeconds } = Object(spec);
      const annotations = metadata.annotations ?? {};
      return {
        state: 'found',
        holder: textOrNull(holderIdentity),
        renewTime: textOrNull(renewTime),
        leaseDurationSeconds: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds : null,
        lastPass: annotations[leaseAnnotation.lastPass] ?? null,
        plannedGeneration: generationIn(annotations[leaseAnnotation.plannedGeneration]),
        version: annotations[leaseAnnotation.version] ?? null,
        catalogDigest: annotations[leaseAnnotation.catalogDigest] ?? null,
        images: imagesIn(annotations[leaseAnnotation.images]),
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

/** What is wrong with a controller. */
export type ControllerTrouble = {
  readonly trouble: 'no-leader' | 'silent' | 'late' | 'behind';
  readonly message: string;
};

/** Where the controller has fallen silent, or hasn't seen yet what HyperConverged says now. */
export function controllerTroubles(
  health: ControllerHealth,
  generation: number | undefined,
  now: Date,
): readonly ControllerTrouble[] {
  if (health.state !== 'found') return [];
  const { holder, renewTime, leaseDurationSeconds, lastPass, plannedGeneration } = health;
  const since = (time: string | null) => (time === null ? 0 : now.getTime() - new Date(time).getTime());
  // A lease is renewed several times within its duration; what doesn't say how long it is, is OpenShift's at most.
  const silentMs = 2000 * (leaseDurationSeconds ?? longestLeaseSeconds);
  if (holder === null) {
    const message = 'no controller leads: nothing is kept in sync until one does; look at its pods';
    return [{ trouble: 'no-leader', message }];
  }
  if (since(renewTime) > silentMs) {
    const message = `the controller (${holder}) has been silent for ${formatAge(new Date(renewTime ?? ''), now)}: nothing is kept in sync; look at its pod`;
    return [{ trouble: 'silent', message }];
  }
  const troubles: ControllerTrouble[] = [];
  if (since(lastPass) > longestPassMs) {
    const message = `the controller's last pass was ${formatAge(new Date(lastPass ?? ''), now)} ago, and one is due every 5 minutes: look at its log`;
    troubles.push({ trouble: 'late', message });
  }
  if (plannedGeneration !== null && generation !== undefined && plannedGeneration < generation) {
    const message = `the controller is behind: it planned with generation ${plannedGeneration} of HyperConverged, which is at ${generation}`;
    troubles.push({ trouble: 'behind', message });
  }
  return troubles;
}

const longestLeaseSeconds = 137;
const longestPassMs = 15 * 60_000;

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

function generationIn(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** What can't be read says nothing. */
function imagesIn(text: string | undefined): Readonly<Record<string, string>> {
  try {
    const images: unknown = JSON.parse(text ?? '{}');
    return Object.fromEntries(
      Object.entries(Object(images)).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[0] !== '__proto__',
      ),
    );
  } catch {
    return {};
  }
}

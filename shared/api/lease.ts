import { keyPrefix } from './names.ts';

/** Annotations that the controller keeps on its Lease, from which the plugin reads how it is. */
export const leaseAnnotation = {
  /** Of the controller, with `v`. */
  version: `${keyPrefix}version`,
  catalogDigest: `${keyPrefix}catalog-digest`,
  /** JSON: image references by name, from its RELATED_IMAGE_* environment. */
  images: `${keyPrefix}images`,
  /** metadata.generation of the HyperConverged that was planned last. */
  plannedGeneration: `${keyPrefix}planned-generation`,
  /** RFC 3339: when the last pass ended. */
  lastPass: `${keyPrefix}last-pass`,
} as const;

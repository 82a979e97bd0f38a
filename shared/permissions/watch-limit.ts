/** Of a kind with more assets than this, all objects are watched by one watch instead of each by its own. */
export const mostWatchesOfOneKind = 8;

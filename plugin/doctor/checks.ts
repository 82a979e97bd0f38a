import { alerts } from './checks/alerts.ts';
import { annotations } from './checks/annotations.ts';
import { controller } from './checks/controller.ts';
import { controllerPermissions } from './checks/controller-permissions.ts';
import { crds } from './checks/crds.ts';
import { expiredOverrides } from './checks/expired-overrides.ts';
import { gitops } from './checks/gitops.ts';
import { hyperConverged } from './checks/hyperconverged.ts';
import { leftovers } from './checks/leftovers.ts';
import { myPermissions } from './checks/my-permissions.ts';
import { objects } from './checks/objects.ts';
import { serverVersion } from './checks/server-version.ts';
import { versions } from './checks/versions.ts';
import { webhooks } from './checks/webhooks.ts';
import { whoSteers } from './checks/who-steers.ts';
import type { Check } from './finding.ts';

/** Every check, in the order in which findings of one severity are listed. */
export const checks: readonly Check[] = [
  serverVersion,
  versions,
  hyperConverged,
  controller,
  controllerPermissions,
  myPermissions,
  whoSteers,
  crds,
  annotations,
  objects,
  expiredOverrides,
  webhooks,
  gitops,
  leftovers,
  alerts,
];

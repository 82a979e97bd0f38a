import { formatObjectRef } from '../../../shared/api/object-ref.ts';
import { buildInfo } from '../../build-info.ts';
import { catalogSkew } from '../../input/controller-health.ts';
import { leaseRef } from '../../input/read-lease.ts';
import { check } from '../finding.ts';
import { manifestsCommand, manifestsNote } from '../manifests-command.ts';

export const versions = check({
  about: 'the versions of plugin, catalog and controller',
  finds: {
    'catalog-skew': {
      severity: 'warning',
      means: 'the controller decides by another catalog than the plugin, so that they may decide differently',
    },
    'version-skew': {
      severity: 'info',
      means: 'plugin and controller are of different versions, with the same catalog',
    },
  },
  run: ({ controller, catalog, namespace = '', adminKubectl }) => {
    if (controller.state !== 'found') return [];
    const where = formatObjectRef(leaseRef(namespace));
    const fix = manifestsCommand(namespace, adminKubectl);
    const note = `${manifestsNote}; or install the plugin of the controller's version`;
    const skew = catalogSkew(controller, catalog.digest);
    if (skew !== undefined) return [{ id: 'catalog-skew', what: skew, where, fix, note }];
    const own = buildInfo().gitVersion;
    if (controller.version === null || controller.version === own) return [];
    return [
      { id: 'version-skew', what: `the plugin is ${own}, and the controller ${controller.version}`, where, fix, note },
    ];
  },
});

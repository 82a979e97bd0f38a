/**
 * Image references by name: `RELATED_IMAGE_KUBEVIRT_METRICS_EXPORTER` gives `kubevirt-metrics-exporter`. A variable
 * that is only the prefix, or is empty, gives none.
 */
export function imagesOf(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      const image = name.startsWith(prefix) ? name.slice(prefix.length).toLowerCase().replaceAll('_', '-') : '';
      return image === '' || value === undefined || value === '' ? [] : [[image, value]];
    }),
  );
}

const prefix = 'RELATED_IMAGE_';

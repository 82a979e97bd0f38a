import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { type Body, bodyOf, catalog } from './_assets.ts';
import { checkWithPromtool } from './_promtool.ts';

const folder = path.resolve(import.meta.dirname, '../../../docs/dashboards/grafana');
const names = catalog.assets.filter(({ target }) => target.kind === 'PersesDashboard').map(({ name }) => name);

async function grafana(name: string): Promise<Body> {
  return JSON.parse(await readFile(path.join(folder, `${name}.json`), 'utf8'));
}

/** Every panel, also those in rows that are closed. */
function panelsOf(dashboard: Body): Body[] {
  return dashboard.panels.flatMap((panel: Body) => (panel.type === 'row' ? panel.panels : [panel]));
}

for (const name of names) {
  const { config } = bodyOf(name).spec;

  test(`${name} for Grafana has the same rows, panels and queries`, async (t) => {
    const dashboard = await grafana(name);
    t.is(dashboard.title, config.display.name);
    t.deepEqual(
      dashboard.panels
        .filter(({ type }: Body) => type === 'row')
        .map(({ title, collapsed }: Body) => [title, collapsed]),
      config.layouts.map(({ spec }: Body) => [spec.display.title, !spec.display.collapse.open]),
    );
    const placed = config.layouts.flatMap(({ spec }: Body) =>
      spec.items.map(({ content, width, height }: Body) => {
        const panel = config.panels[content.$ref.replace('#/spec/panels/', '')].spec;
        const queries = panel.queries.map((query: Body) => query.spec.plugin.spec.query);
        return [panel.display.name, width, height, queries];
      }),
    );
    t.deepEqual(
      panelsOf(dashboard).map(({ title, gridPos, targets }) => [
        title,
        gridPos.w,
        gridPos.h,
        targets.map(({ expr }: Body) => expr),
      ]),
      placed,
    );
  });

  test(`${name} for Grafana has ids of its own, and nothing that lies over something else`, async (t) => {
    const dashboard = await grafana(name);
    const ids = [...dashboard.panels, ...panelsOf(dashboard)].map(({ id }: Body) => id);
    t.is(new Set(ids).size, new Set([...dashboard.panels, ...panelsOf(dashboard)]).size);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }: Body) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    t.is(new Set(cells).size, cells.length);
  });

  test(`${name} for Grafana asks only for variables that it has`, async (t) => {
    const dashboard = await grafana(name);
    const known = dashboard.templating.list.map(({ name }: Body) => name);
    t.deepEqual(known, ['datasource', ...(config.variables ?? []).map(({ spec }: Body) => spec.name)]);
    const texts = JSON.stringify([panelsOf(dashboard), dashboard.templating]);
    for (const [, variable = ''] of texts.matchAll(/\$\{?([a-z]\w*)/g)) t.true(known.includes(variable), variable);
  });

  test(`Prometheus takes every query of ${name} for Grafana (promtool)`, async (t) => {
    const values: Record<string, string> = { interval: '5m', resolution: '5m', __range: '1h', topk: '25', limit: '15' };
    const queries = panelsOf(await grafana(name)).flatMap(({ targets }) => targets.map(({ expr }: Body) => expr));
    const rules = queries.map((query, index) => ({
      record: `query:number:${index}`,
      expr: query.replace(/\$(\w+)/g, (found: string, variable: string, at: number) =>
        // A replacement of label_replace is none of ours.
        /^\d+$/.test(variable) && query[at - 1] === '"' ? found : (values[variable] ?? '.*'),
      ),
    }));
    t.true(rules.length > 0);
    await checkWithPromtool(t, [{ name: 'queries', rules }]);
  });
}

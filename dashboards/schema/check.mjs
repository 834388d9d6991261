// Writes each dashboard as a TypeScript value of the type that Grafana publishes of it, and lets the compiler judge.
// Options and field settings are held to the types of their kind of panel. Run by scripts/check-dashboards.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [dashboards, work] = process.argv.slice(2);
const kinds = {
  bargauge: ['bargauge', 'BarGauge'],
  stat: ['stat', 'Stat'],
  'state-timeline': ['statetimeline', 'StateTimeline'],
  table: ['table', 'Table'],
  timeseries: ['timeseries', 'TimeSeries'],
};
const withFields = ['state-timeline', 'table', 'timeseries'];
const generated = '@grafana/schema/dist/esm/raw/composable';
const imports = Object.entries(kinds).map(([kind, [folder, name]]) => {
  const fields = !withFields.includes(kind) ? ''
    : kind === 'table' ? `import type { TableFieldOptions as ${name}Fields } from '@grafana/schema';\n`
    : `import type { FieldConfig as ${name}Fields } from '${generated}/${folder}/panelcfg/x/${name}PanelCfg_types.gen';\n`;
  return `import type { Options as ${name} } from '${generated}/${folder}/panelcfg/x/${name}PanelCfg_types.gen';\n${fields}`;
});
const panels = Object.entries(kinds).map(([kind, [, name]]) =>
  `Of<'${kind}', ${name}, ${withFields.includes(kind) ? `Partial<${name}Fields>` : 'Record<string, never>'}>`);
const types = `import type { AnnotationQuery, Dashboard, Panel, RowPanel, FieldConfigSource } from '@grafana/schema';
${imports.join('')}
// Enumerations are plain words in JSON.
export type Json<T> = T extends string ? \`\${T}\` : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Field<F> = Omit<FieldConfigSource, 'defaults'> & { defaults: Omit<FieldConfigSource['defaults'], 'custom'> & { custom?: F } };
type Of<T, O, F> = Omit<Panel, 'type' | 'options' | 'fieldConfig'> & { type: T; options: O; fieldConfig: Field<F> };
// What a Prometheus adds to an annotation, as the queries of panels have it: Grafana leaves it to the data source.
type Mark = AnnotationQuery & { expr?: string; step?: string; titleFormat?: string; textFormat?: string; tagKeys?: string; useValueForTime?: boolean };
export type Board = Json<Omit<Dashboard, 'panels' | 'annotations'> & { annotations: { list: Mark[] }; panels: Array<RowPanel | ${panels.join(' | ')}> }>;
`;
mkdirSync(work, { recursive: true });
writeFileSync(join(work, 'types.ts'), types);
const files = readdirSync(dashboards).filter((name) => name.endsWith('.json'));
for (const name of files) {
  const board = readFileSync(join(dashboards, name), 'utf8');
  const text = `import type { Board } from './types';\nexport const board = (${board}) satisfies Board;\n`;
  writeFileSync(join(work, name.replace('.json', '.ts')), text);
}
const compiler = join(resolve(work), 'node_modules', 'typescript', 'bin', 'tsc');
const settings = '--noEmit --skipLibCheck --strict --moduleResolution bundler --module esnext --target es2022'.split(' ');
const sources = ['types.ts', ...files.map((name) => name.replace('.json', '.ts'))];
execFileSync(process.execPath, [compiler, ...settings, ...sources], { cwd: work, stdio: 'inherit' });
console.log(`${files.length} dashboards are what @grafana/schema says a dashboard is`);

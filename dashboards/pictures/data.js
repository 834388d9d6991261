// From answers of a Prometheus to fields as Grafana's components take them.

import { FieldType, getDisplayProcessor } from '@grafana/data';

// What Grafana itself adds to a line that says nothing of it.
const LINE = { axisPlacement: 'auto', axisLabel: '', scaleDistribution: { type: 'linear' }, pointSize: 4, hideFrom: { legend: false, tooltip: false, viz: false }, gradientMode: 'none' };

// A legend such as `{{network}} {{alias}}` with the labels of a series.
export function legend(text, labels) {
  return text.replace(/\{\{([^}]+)\}\}/g, (_, name) => labels[name] ?? '').trim() || JSON.stringify(labels);
}

function fits({ id, options }, name) {
  return id === 'byRegexp' ? new RegExp(options.slice(1, -1)).test(name) : options === name;
}

// The settings of a field: the panel's, and what it says of this name.
export function settings(panel, name) {
  const { defaults, overrides } = panel.fieldConfig;
  const config = structuredClone(defaults);
  for (const { matcher, properties } of overrides.filter(({ matcher }) => fits(matcher, name))) {
    for (const { id, value } of properties) {
      if (id.startsWith('custom.')) {
        config.custom[id.slice('custom.'.length)] = value;
      } else {
        config[id] = value;
      }
    }
  }
  return config;
}

// A field with its way to write a value.
export function field(panel, name, values, theme, index = 0) {
  const made = { name, type: FieldType.number, values, labels: {}, config: settings(panel, name), state: { displayName: name, seriesIndex: index } };
  if (panel.type === 'timeseries') {
    made.config.custom = { ...LINE, ...made.config.custom };
  }
  made.display = getDisplayProcessor({ field: made, theme, timeZone: 'utc' });
  return made;
}

// A frame with time and value for each series.
export function frames(panel, answers, fill, theme) {
  const series = answers.flatMap((answer) => answer.result.map((one) => ({ ...one, refId: answer.refId, name: legend(fill(answer.legend), one.metric) })));
  return series.map(({ refId, name, values }, index) => ({
    refId,
    length: values.length,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map(([seconds]) => seconds * 1000), config: {}, state: {} },
      field(panel, name, values.map(([, value]) => Number(value)), theme, index),
    ],
  }));
}

// The newest value of each series, with its name and field.
export function newest(panel, answers, fill, theme) {
  return answers.flatMap((answer) => answer.result.map((one) => {
    const name = legend(fill(answer.legend), one.metric);
    const value = Number(one.value[1]);
    return { name, value, shown: field(panel, name, [value], theme).display(value) };
  }));
}

// The kinds of panels. Lines and numbers are Grafana's own components; tables, bands and bars, whose plugins are not published
// as packages, are drawn here with Grafana's formats and colours.

import React from 'react';
import { formattedValueToString } from '@grafana/data';
import { BigValue, TimeSeries } from '@grafana/ui';
import { field, frames, newest } from './data.js';

export function Lines({ panel, answers, fill, range, theme, width, height }) {
  const drawn = frames(panel, answers, fill, theme);
  const legend = { ...panel.options.legend, displayMode: drawn.length > 4 ? 'list' : 'table' };
  return <TimeSeries frames={drawn} structureRev={1} timeRange={range} timeZone="utc" width={width} height={height} legend={legend} />;
}

export function Numbers({ panel, answers, fill, theme, width, height }) {
  const all = newest(panel, answers, fill, theme);
  const upright = height > width;
  const size = upright ? { width, height: height / all.length } : { width: width / all.length, height };
  const mode = panel.options.textMode;
  return (
    <div style={{ display: 'flex', flexDirection: upright ? 'column' : 'row' }}>
      {all.map(({ name, shown }) => (
        <div key={name} style={{ ...size, overflow: 'hidden', border: '1px solid transparent' }}>
          <BigValue theme={theme} width={size.width - 2} height={size.height - 2} colorMode={panel.options.colorMode} graphMode="none" justifyMode="auto"
            textMode={mode === 'name' ? 'name' : all.length > 1 ? 'value_and_name' : 'value'} value={{ ...shown, title: name }} />
        </div>
      ))}
    </div>
  );
}

function rows(answers) {
  const found = new Map();
  answers.forEach((answer) => answer.result.forEach(({ metric, value }) => {
    const { state, node_type: kind, ...key } = metric;
    const at = JSON.stringify(answers.length > 1 ? key : metric);
    const column = answers.length > 1 ? `Value #${answer.refId}` : 'Value';
    found.set(at, { ...found.get(at), ...metric, [column]: Number(value[1]) });
  }));
  return [...found.values()];
}

export function TableOf({ panel, answers, fill, theme, width, height }) {
  const order = panel.transformations.find(({ id }) => id === 'organize').options.indexByName;
  const columns = Object.keys(order).sort((a, b) => order[a] - order[b]).map((name) => field(panel, name, [], theme)).filter(({ config }) => !config.custom.hidden);
  const title = ({ name, config }) => fill(config.displayName ?? name);
  const sorts = panel.options.sortBy.map(({ displayName, desc }) => [columns.find((column) => title(column) === displayName)?.name, desc ? -1 : 1]);
  const compare = (a, b) => (a === undefined) - (b === undefined) || (a > b) - (a < b);
  const sorted = rows(answers).sort((a, b) => sorts.reduce((order, [name, sign]) => order || sign * compare(a[name], b[name]), 0));
  const cell = { padding: '4px 7px', borderBottom: `1px solid ${theme.colors.border.weak}`, whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis', maxWidth: 190 };
  return (
    <div style={{ width, height, overflow: 'hidden' }}>
      <table style={{ width: '100%', font: '12px sans-serif', borderCollapse: 'collapse' }}>
        <thead><tr>{columns.map((column) => <th key={column.name} style={{ ...cell, textAlign: 'left', color: theme.colors.primary.text }}>{title(column)}</th>)}</tr></thead>
        <tbody>{sorted.map((row, index) => <tr key={index}>{columns.map((column) => <Cell key={column.name} column={column} value={row[column.name]} style={cell} theme={theme} />)}</tr>)}</tbody>
      </table>
    </div>
  );
}

function Cell({ column, value, style, theme }) {
  if (value === undefined) {
    return <td style={style} />;
  }
  const shown = column.display(value);
  const filled = column.config.custom.cellOptions?.type === 'color-background';
  const colours = filled ? { background: shown.color, color: theme.colors.getContrastText(shown.color) } : {};
  const link = column.config.links?.length ? { color: theme.colors.text.link } : {};
  return <td style={{ ...style, ...colours, ...link }}>{typeof value === 'string' && !column.config.mappings?.length ? value : formattedValueToString(shown)}</td>;
}

export function Bands({ panel, answers, fill, range, theme, width, height }) {
  const all = frames(panel, answers, fill, theme);
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const left = 190;
  const at = (time) => left + ((width - left) * (time - from)) / (to - from);
  const row = Math.min(34, height / all.length);
  return (
    <svg width={width} height={height} style={{ font: '12px sans-serif' }}>
      {all.map(({ fields: [time, value] }, line) => (
        <g key={value.name}>
          <text x={left - 8} y={(line + 0.6) * row} textAnchor="end" fill={theme.colors.text.primary}>{value.name}</text>
          {time.values.map((moment, index) => {
            const next = time.values[index + 1];
            const end = next !== undefined && next - moment < 5000 ? next : moment + 1000;
            return <rect key={moment} x={at(moment)} y={(line + 0.1) * row} width={at(Math.min(end, to)) - at(moment) + 0.5} height={row * 0.8} fill={value.display(value.values[index]).color} />;
          })}
        </g>
      ))}
    </svg>
  );
}

export function Bars({ panel, answers, fill, theme, width, height }) {
  const all = newest(panel, answers, fill, theme);
  const most = Math.max(...all.map(({ value }) => value), 1e-9);
  const row = Math.min(34, height / all.length);
  const left = 190;
  return (
    <svg width={width} height={height} style={{ font: '12px sans-serif' }}>
      {all.map(({ name, value, shown }, line) => (
        <g key={name}>
          <text x={left - 8} y={(line + 0.6) * row} textAnchor="end" fill={theme.colors.text.primary}>{name}</text>
          <rect x={left} y={(line + 0.1) * row} width={width - left - 60} height={row * 0.8} fill={theme.colors.background.secondary} />
          <rect x={left} y={(line + 0.1) * row} width={((width - left - 60) * value) / most} height={row * 0.8} fill={shown.color} />
          <text x={width - 52} y={(line + 0.6) * row} fill={shown.color}>{formattedValueToString(shown)}</text>
        </g>
      ))}
    </svg>
  );
}

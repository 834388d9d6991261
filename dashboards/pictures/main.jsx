// Draws the board in `window.answered`: its panels on their places, filled with what a Prometheus answered.

import React from 'react';
import { createRoot } from 'react-dom/client';
import { createTheme, dateTime } from '@grafana/data';
import { GlobalStyles } from '@grafana/ui';
import { Bands, Bars, Lines, Numbers, TableOf } from './panels.jsx';

const UNIT = { width: 50, height: 30, gap: 6 };
const KINDS = { stat: Numbers, timeseries: Lines, table: TableOf, 'state-timeline': Bands, bargauge: Bars };
const theme = createTheme({ colors: { mode: 'dark' } });

function place({ x, y, w, h }) {
  const { width, height, gap } = UNIT;
  return { position: 'absolute', left: x * width, top: y * height, width: w * width - gap, height: h * height - gap };
}

function Panel({ panel, answers, fill, range }) {
  const { width, height } = place(panel.gridPos);
  if (panel.type === 'row') {
    return <div style={{ ...place(panel.gridPos), font: '500 15px sans-serif', lineHeight: '26px' }}>⌄ {panel.title}</div>;
  }
  const Kind = KINDS[panel.type];
  const inside = { width: width - 16, height: height - 36 };
  return (
    <div style={{ ...place(panel.gridPos), background: theme.colors.background.primary, border: `1px solid ${theme.colors.border.weak}`, borderRadius: 3, overflow: 'hidden' }}>
      <div style={{ font: '500 13px sans-serif', padding: '6px 8px 2px', whiteSpace: 'nowrap' }}>{fill(panel.title)}</div>
      <div style={{ padding: '2px 7px', position: 'relative' }}>
        {answers.every((answer) => answer.result.length === 0)
          ? <div style={{ ...inside, display: 'flex', alignItems: 'center', justifyContent: 'center', textAlign: 'center', color: theme.colors.text.secondary, font: '13px sans-serif' }}>{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>
          : <Kind panel={panel} answers={answers} fill={fill} range={range} theme={theme} {...inside} />}
      </div>
    </div>
  );
}

function Board({ board, panels, variables, range }) {
  const names = Object.keys(variables).sort((a, b) => b.length - a.length);
  const fill = (text) => names.reduce((filled, name) => filled.replaceAll('$' + name, variables[name]), text);
  const [from, to] = range.map((seconds) => dateTime(seconds * 1000));
  const bottom = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  return (
    <div style={{ width: 24 * UNIT.width + 10, background: theme.colors.background.canvas, color: theme.colors.text.primary, padding: 8, boxSizing: 'border-box' }}>
      <GlobalStyles />
      <div style={{ font: '500 18px sans-serif', padding: '2px 2px 10px' }}>{board.title}</div>
      <div style={{ position: 'relative', height: bottom * UNIT.height }}>
        {board.panels.map((panel) => (
          <Panel key={panel.id} panel={panel} answers={panels[panel.id] ?? []} fill={fill} range={{ from, to, raw: { from, to } }} />
        ))}
      </div>
    </div>
  );
}

createRoot(document.getElementById('board')).render(<Board {...window.answered} />);

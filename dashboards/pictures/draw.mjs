// Opens the built page once for each board's answers and keeps a picture of it. Run by scripts/pictures.

import { createServer } from 'node:http';
import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';

const [page, answers, pictures, executablePath] = process.argv.slice(2);
const kinds = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const server = createServer(async (request, response) => {
  const name = request.url === '/' ? '/index.html' : request.url;
  try {
    const body = await readFile(join(page, name));
    response.writeHead(200, { 'content-type': kinds[extname(name)] ?? 'application/octet-stream' }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
let failed = false;
for (const name of (await readdir(answers)).filter((name) => name.endsWith('.json'))) {
  const tab = await browser.newPage({ viewport: { width: 1210, height: 900 }, timezoneId: 'UTC' });
  tab.on('pageerror', (error) => { failed = true; console.error(`${name}: ${error.stack}`); });
  const answered = await readFile(join(answers, name), 'utf8');
  await tab.addInitScript(`window.answered = ${answered}`);
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  await tab.waitForFunction(() => document.querySelector('#board > div') !== null && document.fonts.status === 'loaded');
  // Lines are drawn in the frame after the one that sets their size.
  await tab.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(drawn)))));
  await tab.locator('#board > div').screenshot({ path: join(pictures, name.replace('.json', '.png')), animations: 'disabled' });
  await tab.close();
}
await browser.close();
server.close();
process.exit(failed ? 1 : 0);

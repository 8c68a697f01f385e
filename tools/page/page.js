// Draws what vplan --json tells: up to five charts a filesystem, each with its numbers in a table below. What is a name is
// only ever text: nothing here becomes HTML.
'use strict';
const plan = JSON.parse(document.getElementById('plan').textContent);
const dayMilliseconds = 86400000, mostGuestsDrawn = 30, mostLettersDrawn = 24, leastDaysAhead = 30, mostDaysAhead = 365;
const charts = [];

const dayOf = date => Date.parse(date + 'T00:00:00Z') / dayMilliseconds;
const dateOf = day => new Date(day * dayMilliseconds).toISOString().slice(0, 10);
const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const faint = name => colour(name) + '40';

function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  for (; Math.abs(bytes) >= 1024 && unit < units.length - 1; ++unit) bytes /= 1024;
  return (unit === 0 ? bytes : bytes.toFixed(1)) + ' ' + units[unit];
}

function add(parent, kind, text, attributes = {}) {
  const element = parent.appendChild(document.createElement(kind));
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Nothing where one word says it.
const between = (low, high) => low === high ? '' : ` (${low} to ${high})`;

// names that are no UTF-8 come as base64
const nameOf = (object, key) => object[key] ?? 'base64:' + object[key + '_base64'];

function growth(trend) {
  if (trend.bytes_a_day === null)
    return trend.stale ? 'no sample of late' : `not enough samples (${trend.samples} of ${trend.least_samples})`;
  if (trend.low <= 0 && trend.high >= 0) return 'not growing clearly';
  return `${size(trend.bytes_a_day)} a day${between(size(trend.low), size(trend.high))}`;
}

const counted = number => number.toLocaleString('en');
const days = number => `${counted(number)} ${number === 1 ? 'day' : 'days'}`;

// left: of "full_in_days" and the like.
function when(left, trend) {
  if (trend.bytes_a_day === null) return 'not known yet';
  if (left === null) return 'never, as it is';
  if (left.late === 0) return 'now';
  if (left.late === null) return `in ${days(left.early)} at the earliest, or never`;
  return `in ${days(left.middle)}${between(counted(left.early), counted(left.late))}`;
}

const full = fs => when(fs.full_in_days, fs.growth);

// rows: arrays of words, the head first; the first word of each is what the row is about.
function addTable(parent, caption, rows) {
  const details = add(parent, 'details');
  add(details, 'summary', caption);
  const table = add(add(details, 'div', undefined, {class: 'scroll'}), 'table');
  add(table, 'caption', caption);
  rows.forEach((row, i) => {
    const line = add(table, 'tr');
    row.forEach((word, j) => add(line, i === 0 || j === 0 ? 'th' : 'td', word,
                                 i === 0 ? {scope: 'col'} : j === 0 ? {scope: 'row'} : {}));
  });
}

// bars: how many there are, one above the other, if any.
function addChart(parent, label, config, bars = 10) {
  const frame = add(parent, 'div', undefined, {class: 'chart'});
  frame.style.height = `${5 + 1.5 * bars}rem`;
  const canvas = add(frame, 'canvas', undefined, {role: 'img', 'aria-label': label});
  const draw = () => new Chart(canvas, config());
  charts.push({draw, chart: draw()});
}

const options = more => ({
  animation: false, maintainAspectRatio: false, color: colour('fore'),
  interaction: {mode: 'nearest', axis: 'x', intersect: false}, ...more,
});
// Ticks at powers of two, which are round in these units; largest: of what is drawn.
const sizeAxis = (stacked, largest) => ({stacked, beginAtZero: true, grid: {color: colour('grid')},
                              ticks: {color: colour('faint'), stepSize: 2 ** Math.ceil(Math.log2(Math.max(largest, 4) / 4)),
                                      callback: bytes => size(bytes).replace('.0', '')}});
const dayAxis = (first, last) => ({type: 'linear', min: first, max: Math.max(last, first + 1), grid: {color: colour('grid')},
                        ticks: {color: colour('faint'), callback: dateOf, maxTicksLimit: 6, precision: 0}});
const hints = {callbacks: {label: item => `${item.dataset.label}: ${size(item.parsed[item.chart.options.indexAxis === 'y' ? 'x' : 'y'])}`,
                           title: items => items[0].label}};
const line = (label, data, name, more = {}) =>
  ({label, data, borderColor: colour(name), backgroundColor: faint(name), pointRadius: data.length === 1 ? 3 : 0, borderWidth: 2, ...more});

function guests(section, fs) {
  const sorted = [...fs.guests].sort((a, b) => b.logical - a.logical);
  const drawn = sorted.slice(0, mostGuestsDrawn);
  add(section, 'h3', 'Guests');
  addChart(section, `What ${sorted.length} guests use alone, and what they share`, bars(drawn.map(guest => nameOf(guest, 'name')), () => [
    {label: 'exclusive', data: drawn.map(guest => guest.exclusive), backgroundColor: colour('exclusive')},
    {label: 'shared', data: drawn.map(guest => guest.logical - guest.exclusive), backgroundColor: colour('shared')},
  ]), drawn.length);
  addTable(section, 'Guests in numbers', [
    ['Guest', 'Exclusive', 'Shared', 'Growth', 'More fit', 'At once'],
    ...sorted.map(guest => [nameOf(guest, 'name'), size(guest.exclusive), size(guest.logical - guest.exclusive),
                            growth(guest.growth), String(guest.more_fit), String(guest.more_fit_at_once)]),
  ]);
}

// A phone has no room for more; the table has all of it.
const short = name => name.length > mostLettersDrawn ? '\u2026' + name.slice(1 - mostLettersDrawn) : name;

// Bars from left to right, one above the other; datasets as Chart.js has them.
const sumOf = (datasets, at) => datasets().reduce((sum, {data}) => sum + data[at], 0);
const bars = (labels, datasets, more = {}) => () => ({
  type: 'bar',
  data: {labels: labels.map(short), datasets: datasets()},
  options: options({indexAxis: 'y', interaction: {mode: 'index', axis: 'y'}, plugins: {tooltip: hints, ...more},
                    scales: {x: sizeAxis(true, Math.max(...labels.map((_, i) => sumOf(datasets, i)))), y: {stacked: true, ticks: {color: colour('fore'), autoSkip: false}}}}),
});

function limits(section, fs) {
  const limited = fs.guests.filter(guest => guest.limit !== null)
                    .sort((a, b) => b.limit_used / b.limit - a.limit_used / a.limit);
  if (limited.length === 0) return;
  const drawn = limited.slice(0, mostGuestsDrawn);
  add(section, 'h3', 'Limits');
  addChart(section, `What ${limited.length} guests use of their limits`, bars(drawn.map(guest => nameOf(guest, 'name')), () => [
    {label: 'used', data: drawn.map(guest => guest.limit_used), backgroundColor: colour('limit')},
    {label: 'left', data: drawn.map(guest => Math.max(0, guest.limit - guest.limit_used)), backgroundColor: colour('grid')},
  ]), drawn.length);
  addTable(section, 'Limits in numbers', [
    ['Guest', 'Limit', 'Used', 'Of it', 'Reached'],
    ...limited.map(guest => [nameOf(guest, 'name'), size(guest.limit), size(guest.limit_used),
                             guest.limit === 0 ? '-' : `${Math.round(100 * guest.limit_used / guest.limit)} %`,
                             when(guest.at_limit_in_days, guest.growth)]),
  ]);
}

function contents(section, fs) {
  if (fs.contents.length === 0) return;
  const nameOfFile = content => `${nameOf(content, 'guest')}:/${nameOf(content, 'path')}`;
  add(section, 'h3', 'Files that save most');
  addChart(section, `The ${fs.contents.length} files that save most by being shared`, bars(fs.contents.map(nameOfFile), () => [
    {label: 'saved', data: fs.contents.map(content => content.saved), backgroundColor: colour('saved')},
  ], {legend: {display: false}}), fs.contents.length);
  addTable(section, 'These files in numbers', [
    ['File', 'Size', 'Guests', 'Saved'],
    ...fs.contents.map(content => [nameOfFile(content), size(content.bytes), String(content.guests), size(content.saved)]),
  ]);
}

// From the last sample on, at so many bytes a day.
function ahead(fs, slope) {
  const last = fs.used_on[fs.used_on.length - 1], from = dayOf(last.day);
  const middle = fs.full_in_days?.middle ?? 0;
  const days = Math.min(mostDaysAhead, Math.max(leastDaysAhead, Math.ceil(middle * 1.2)));
  return [{x: from, y: last.bytes}, {x: from + days, y: Math.max(0, last.bytes + slope * days)}];
}

const largestOf = datasets => Math.max(...datasets.flatMap(({data}) => data.map(({y}) => y)));

function history(section, fs) {
  const points = fs.used_on.map(({day, bytes}) => ({x: dayOf(day), y: bytes}));
  const known = fs.growth.bytes_a_day !== null, limit = fs.used + fs.available;
  add(section, 'h3', 'Used');
  addChart(section, `Used day by day, and what is to come: full ${full(fs)}`, () => {
    const datasets = [line('used', points, 'used')];
    if (known) {
      datasets.push(line('at the least', ahead(fs, fs.growth.low), 'saved', {borderWidth: 1, fill: '+1'}),
                    line('at the most', ahead(fs, fs.growth.high), 'exclusive', {borderWidth: 1}),
                    line('forecast', ahead(fs, fs.growth.bytes_a_day), 'used', {borderDash: [6, 4]}));
    }
    const end = known ? ahead(fs, 0)[1].x : points[points.length - 1].x;
    datasets.push(line('full', [{x: points[0].x, y: limit}, {x: end, y: limit}], 'limit', {borderDash: [2, 3]}));
    return {type: 'line', data: {datasets},
            options: options({plugins: {tooltip: {callbacks: {...hints.callbacks, title: items => dateOf(items[0].parsed.x)}}},
                              scales: {x: dayAxis(points[0].x, end), y: sizeAxis(false, largestOf(datasets))}})};
  });
  addTable(section, 'Used, in numbers', [['Day', 'Used', 'Bytes'],
    ...fs.used_on.map(({day, bytes}) => [day, size(bytes), String(bytes)])]);
}

function savings(section, fs) {
  add(section, 'h3', 'Saved by sharing');
  const points = fs.saved_on.map(({day, bytes}) => ({x: dayOf(day), y: bytes}));
  addChart(section, 'What sharing saved, day by day', () => ({
    type: 'line',
    data: {datasets: [line('saved', points, 'saved', {fill: true})]},
    options: options({plugins: {legend: {display: false}, tooltip: {callbacks: {...hints.callbacks, title: items => dateOf(items[0].parsed.x)}}},
                      scales: {x: dayAxis(points[0].x, points[points.length - 1].x),
                               y: sizeAxis(false, largestOf([{data: points}]))}}),
  }));
  addTable(section, 'Saved, in numbers', [['Day', 'Saved', 'Bytes'],
    ...fs.saved_on.map(({day, bytes}) => [day, size(bytes), String(bytes)])]);
}

// Whoever outgrows his limit, the soonest first.
function outgrown(fs) {
  const soonest = fs.guests.filter(guest => guest.at_limit_in_days !== null)
                    .sort((a, b) => a.at_limit_in_days.early - b.at_limit_in_days.early);
  return soonest.map(guest => ` ${nameOf(guest, 'name')} outgrows ${size(guest.limit)} ${when(guest.at_limit_in_days, guest.growth)}.`).join('');
}

function filesystem(fs) {
  const section = add(document.querySelector('main'), 'section');
  add(section, 'h2', nameOf(fs, 'path'));
  add(section, 'p', `${size(fs.used)} used, ${size(fs.available)} free, as of ${fs.as_of}. ` +
                    `Growth: ${growth(fs.growth)}${fs.growth.since_step ? ', after the step of ' + fs.growth.since_step : ''}. ` +
                    `Full: ${full(fs)}.${outgrown(fs)}`);
  history(section, fs);
  guests(section, fs);
  limits(section, fs);
  savings(section, fs);
  contents(section, fs);
}

document.title = `vplan, ${plan.host}, ${plan.today}`;
document.querySelector('h1').textContent = `Disk use of the guests of ${plan.host}`;
plan.filesystems.forEach(filesystem);
if (plan.filesystems.length === 0) add(document.querySelector('main'), 'p', 'No sample yet.');
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const each of charts) {
    each.chart.destroy();
    each.chart = each.draw();
  }
});

// Draws what vplan --json tells: three charts a filesystem, each with its numbers in a table below. What is a name is
// only ever text: nothing here becomes HTML.
'use strict';
const plan = JSON.parse(document.getElementById('plan').textContent);
const dayMilliseconds = 86400000, mostGuestsDrawn = 30, leastDaysAhead = 30, mostDaysAhead = 365;
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

// names that are no UTF-8 come as base64
const nameOf = (object, key) => object[key] ?? 'base64:' + object[key + '_base64'];

function growth(trend) {
  if (trend.bytes_a_day === null)
    return trend.stale ? 'no sample of late' : `not enough samples (${trend.samples} of ${trend.least_samples})`;
  if (trend.low <= 0 && trend.high >= 0) return 'not growing clearly';
  return `${size(trend.bytes_a_day)} a day (${size(trend.low)} to ${size(trend.high)})`;
}

function full(fs) {
  const left = fs.full_in_days;
  if (fs.growth.bytes_a_day === null) return 'not known yet';
  if (left === null) return 'never, as it is';
  if (left.late === null) return `in ${left.early} days at the earliest, or never`;
  return `in ${left.middle} days (${left.early} to ${left.late})`;
}

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

function addChart(parent, label, config) {
  const canvas = add(add(parent, 'div', undefined, {class: 'chart'}), 'canvas', undefined,
                     {role: 'img', 'aria-label': label});
  const draw = () => new Chart(canvas, config());
  charts.push({draw, chart: draw()});
}

const options = more => ({
  animation: false, maintainAspectRatio: false, color: colour('fore'),
  interaction: {mode: 'nearest', axis: 'x', intersect: false}, ...more,
});
const sizeAxis = stacked => ({stacked, beginAtZero: true, grid: {color: colour('grid')},
                              ticks: {color: colour('faint'), callback: size}});
const dayAxis = () => ({type: 'linear', grid: {color: colour('grid')},
                        ticks: {color: colour('faint'), callback: dateOf, maxTicksLimit: 6, precision: 0}});
const hints = {callbacks: {label: item => `${item.dataset.label}: ${size(item.parsed[item.chart.options.indexAxis === 'y' ? 'x' : 'y'])}`,
                           title: items => items[0].label}};
const line = (label, data, name, more = {}) =>
  ({label, data, borderColor: colour(name), backgroundColor: faint(name), pointRadius: 0, borderWidth: 2, ...more});

function guests(section, fs) {
  const sorted = [...fs.guests].sort((a, b) => b.logical - a.logical);
  const drawn = sorted.slice(0, mostGuestsDrawn);
  add(section, 'h3', 'Guests');
  addChart(section, `What ${sorted.length} guests use alone, and what they share`, () => ({
    type: 'bar',
    data: {
      labels: drawn.map(guest => nameOf(guest, 'name')),
      datasets: [
        {label: 'exclusive', data: drawn.map(guest => guest.exclusive), backgroundColor: colour('exclusive')},
        {label: 'shared', data: drawn.map(guest => guest.logical - guest.exclusive), backgroundColor: colour('shared')},
      ],
    },
    options: options({indexAxis: 'y', interaction: {mode: 'index', axis: 'y'}, plugins: {tooltip: hints},
                      scales: {x: sizeAxis(true), y: {stacked: true, ticks: {color: colour('fore')}}}}),
  }));
  addTable(section, 'Guests in numbers', [
    ['Guest', 'Exclusive', 'Shared', 'Growth', 'More fit', 'At once'],
    ...sorted.map(guest => [nameOf(guest, 'name'), size(guest.exclusive), size(guest.logical - guest.exclusive),
                            growth(guest.growth), String(guest.more_fit), String(guest.more_fit_at_once)]),
  ]);
}

// From the last sample on, at so many bytes a day.
function ahead(fs, slope) {
  const last = fs.used_on[fs.used_on.length - 1], from = dayOf(last.day);
  const middle = fs.full_in_days?.middle ?? 0;
  const days = Math.min(mostDaysAhead, Math.max(leastDaysAhead, Math.ceil(middle * 1.2)));
  return [{x: from, y: last.bytes}, {x: from + days, y: Math.max(0, last.bytes + slope * days)}];
}

function history(section, fs) {
  const points = fs.used_on.map(({day, bytes}) => ({x: dayOf(day), y: bytes}));
  const known = fs.growth.bytes_a_day !== null, limit = fs.used + fs.available;
  add(section, 'h3', 'Used');
  addChart(section, `Used day by day, and what is to come: full ${full(fs)}`, () => {
    const datasets = [line('used', points, 'used')];
    if (known) {
      datasets.push(line('at the least', ahead(fs, fs.growth.low), 'used', {borderWidth: 0, fill: '+1'}),
                    line('at the most', ahead(fs, fs.growth.high), 'used', {borderWidth: 0}),
                    line('forecast', ahead(fs, fs.growth.bytes_a_day), 'used', {borderDash: [6, 4]}));
    }
    const end = known ? ahead(fs, 0)[1].x : points[points.length - 1].x;
    datasets.push(line('full', [{x: points[0].x, y: limit}, {x: end, y: limit}], 'limit', {borderDash: [2, 3]}));
    return {type: 'line', data: {datasets},
            options: options({plugins: {tooltip: {callbacks: {...hints.callbacks, title: items => dateOf(items[0].parsed.x)}}},
                              scales: {x: dayAxis(), y: sizeAxis(false)}})};
  });
  addTable(section, 'Used, in numbers', [['Day', 'Used', 'Bytes'],
    ...fs.used_on.map(({day, bytes}) => [day, size(bytes), String(bytes)])]);
}

function savings(section, fs) {
  add(section, 'h3', 'Saved by sharing');
  addChart(section, 'What sharing saved, day by day', () => ({
    type: 'line',
    data: {datasets: [line('saved', fs.saved_on.map(({day, bytes}) => ({x: dayOf(day), y: bytes})), 'saved', {fill: true})]},
    options: options({plugins: {legend: {display: false}, tooltip: {callbacks: {...hints.callbacks, title: items => dateOf(items[0].parsed.x)}}},
                      scales: {x: dayAxis(), y: sizeAxis(false)}}),
  }));
  addTable(section, 'Saved, in numbers', [['Day', 'Saved', 'Bytes'],
    ...fs.saved_on.map(({day, bytes}) => [day, size(bytes), String(bytes)])]);
}

function filesystem(fs) {
  const section = add(document.querySelector('main'), 'section');
  add(section, 'h2', nameOf(fs, 'path'));
  add(section, 'p', `${size(fs.used)} used, ${size(fs.available)} free, as of ${fs.as_of}. ` +
                    `Growth: ${growth(fs.growth)}. Full: ${full(fs)}.`);
  history(section, fs);
  guests(section, fs);
  savings(section, fs);
}

plan.filesystems.forEach(filesystem);
if (plan.filesystems.length === 0) add(document.querySelector('main'), 'p', 'No sample yet.');
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const each of charts) {
    each.chart.destroy();
    each.chart = each.draw();
  }
});

import { median } from '../stats.mjs';
import { table } from '../table.mjs';
import { variants } from './variants.mjs';

/** How many times the task time of ours a peer that loses nothing takes where a render costs time. */
const peerGoal = 5;
/** How many times the task time of the bare fold ours may take there. */
const foldGoal = 1.25;
const goalCase = 'A+';

/** Keeps what was measured, and tells it in words. */
export function createReport() {
  /** By case, then by variant: a result for each round. */
  const results = {};

  const resultsOf = (name, variant) => results[name][variant.name];
  const inFramework = (variant, role) =>
    variants.find((other) => other.role === role && frameworkOf(other) === frameworkOf(variant));

  /** How many times what `base` took this took, round by round. */
  function compare(name, variant, base, key) {
    const bases = base && resultsOf(name, base);
    if (!bases) return;
    return resultsOf(name, variant).map((result, round) => result[key] / bases[round][key]);
  }

  function row(name, variant) {
    const measured = resultsOf(name, variant);
    const get = (key) => measured.map((result) => result[key]);
    const isOurs = variant.role === 'ours';
    const base = isOurs ? inFramework(variant, 'fold') : inFramework(variant, 'ours');
    const [byTask, byCpu] = ['task', 'cpu'].map((key) => compare(name, variant, base, key));
    const unit = isOurs ? 'x bare fold' : 'x ours';
    return [
      variant.name,
      range(get('seen')),
      range(get('commits')),
      Math.max(...get('mostInFrame')),
      ...(name === 'C' ? [range(get('commitsOfOthers'))] : []),
      range(get('task')),
      range(get('cpu')),
      range(get('lastDom')),
      ...(byTask ? [`${range(byTask, 2)} ${unit}`, range(byCpu, 2)] : ['', '']),
      ...(name === goalCase ? [byTask ? verdict(variant, measured, byTask) : ''] : []),
    ];
  }

  return {
    add(variant, name, round, result) {
      results[name] ??= {};
      results[name][variant.name] ??= [];
      results[name][variant.name][round] = result;
    },

    /** The table of a case. */
    tell(name) {
      const measured = variants.filter((variant) => results[name][variant.name]);
      const [{ sent }] = resultsOf(name, measured[0]);
      const header = [
        `seen, of ${sent}`,
        'commits',
        'most a frame',
        ...(name === 'C' ? ['of the 19'] : []),
        'task ms',
        'cpu ms',
        'last in DOM after ms',
        'by task',
        'by cpu',
        ...(name === goalCase ? [`goal ${peerGoal} and ${foldGoal}`] : []),
      ];
      return table(
        ['', ...header],
        measured.map((variant) => row(name, variant)),
      );
    },

    /** What all runs of ours say together. */
    sum() {
      const runs = Object.entries(results).flatMap(([name, byVariant]) =>
        variants
          .filter(({ role }) => role === 'ours')
          .flatMap((variant) =>
            (byVariant[variant.name] ?? []).map((result) => ({ name, variant, ...result })),
          ),
      );
      const visible = runs.filter(({ name }) => name !== 'hidden');
      return [
        `Ours, in ${runs.length} runs:`,
        tellOf('no message missed', runs, (run) => !isWhole(run)),
        tellOf('at most one commit a frame', visible, ({ mostInFrame }) => mostInFrame > 1),
        tellOf('no commit of those that do not look', runs, (run) => run.commitsOfOthers > 0),
      ].join('\n');
    },
  };
}

const frameworkOf = ({ page }) => page.split('/')[0];

/** Whether user code saw what the sender sent, by their number and by the sum of their ids. */
const isWhole = ({ seen, sent, sum, sentSum }) => seen === sent && sum === sentSum;

function verdict({ role }, measured, times) {
  if (role === 'peer' && measured.every(isWhole)) return judge(times, (time) => time >= peerGoal);
  if (role === 'ours') return judge(times, (time) => time <= foldGoal);
  return role === 'peer' ? 'loses messages' : '';
}

function judge(times, meets) {
  if (times.every(meets)) return 'met';
  return meets(median(times)) ? 'met by the median, not surely' : 'missed';
}

function tellOf(claim, runs, isBroken) {
  const broken = runs.filter(isBroken);
  const where = broken.map(({ variant, name }) => `${variant.name} in ${name}`).join(', ');
  return `- ${claim}: ${broken.length ? `not in ${broken.length} (${where})` : 'holds'}`;
}

/** The median, and the least and the most where they differ. */
function range(values, digits = 0) {
  const show = (value) => value.toFixed(digits);
  const [least, most] = [Math.min(...values), Math.max(...values)].map(show);
  return least === most ? most : `${show(median(values))} (${least}..${most})`;
}

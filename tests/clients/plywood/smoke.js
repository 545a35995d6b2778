// plywood over its Druid requester, as Turnilo uses it: introspection, then expressions that become native queries or SQL.
// node smoke.js http://host:port; one line a check: "ok      name" or "FAILED  name: what".
const { ply, $, External, DruidExternal } = require('plywood');
const { druidRequesterFactory } = require('plywood-druid-requester');

const where = new URL(process.argv[2]);
const requester = druidRequesterFactory({ host: where.host });

function check(name, got, want) {
  const a = JSON.stringify(got), b = JSON.stringify(want);
  console.log(a === b ? `ok      ${name}` : `FAILED  ${name}: want ${b}, got ${a}`);
}

async function rows(expression, context) {
  return (await expression.compute(context)).toJS().data;
}

const day = { start: new Date('2024-01-01T00:00:00Z'), end: new Date('2024-01-04T00:00:00Z') };

// What the table holds: three days, k in a b c, n counting from 0.
async function questions(engine, source) {
  const t = $('t').filter($('__time').overlap(day.start, day.end));
  const context = { t: source };
  check(`${engine}: total`, await rows(ply().apply('t', t).apply('rows', '$t.count()').apply('sum', '$t.sum($n)')
    .select('rows', 'sum'), context), [{ rows: 30, sum: 435 }]);
  check(`${engine}: split and sort`, await rows(t.split('$k', 'K').apply('rows', '$t.count()').apply('sum', '$t.sum($n)')
    .sort('$sum', 'descending').limit(2).select('K', 'sum'), context), [{ K: 'c', sum: 155 }, { K: 'b', sum: 145 }]);
  check(`${engine}: filtered aggregate`, await rows(ply().apply('t', t).apply('a', '$t.filter($k == "a").count()').select('a'), context),
    [{ a: 10 }]);
  check(`${engine}: number filter`, await rows(ply().apply('t', t.filter('$n >= 10')).apply('rows', '$t.count()').select('rows'), context),
    [{ rows: 20 }]);
  check(`${engine}: two splits`, (await rows(t.filter($('k').in(['a', 'b'])).split({ K: '$k', D: $('__time').timeBucket('P1D') })
    .apply('rows', '$t.count()').sort('$K', 'ascending').select('K', 'rows'), context)).length, 6);
  check(`${engine}: time`, (await rows(t.split($('__time').timeBucket('P1D'), 'D', 't').apply('rows', '$t.count()').sort('$D', 'ascending'),
    context)).map(r => r.rows), [10, 10, 10]);
  check(`${engine}: having`, (await rows(t.split('$k', 'K').apply('sum', '$t.sum($n)').filter('$sum > 140').sort('$K', 'ascending').limit(5),
    context)).map(r => r.K), ['b', 'c']);
  check(`${engine}: contains`, await rows(ply().apply('t', t.filter($('k').contains('A', 'ignoreCase'))).apply('rows', '$t.count()').select('rows'),
    context), [{ rows: 10 }]);
}

async function main() {
  check('version', /^\d+\.\d+/.test(await DruidExternal.getVersion(requester)), true);
  const names = await DruidExternal.getSourceList(requester);
  check('sources', names.includes('letters'), true);
  const settings = { source: 'letters', timeAttribute: '__time', allowSelectQueries: true, context: { timeout: 10000 } };
  const native = await External.fromJS(Object.assign({ engine: 'druid' }, settings), requester).introspect();
  check('attributes', native.attributes.map(a => [a.name, a.type]), [['__time', 'TIME'], ['k', 'STRING'], ['n', 'NUMBER']]);
  await questions('native', native);
  const sql = await External.fromJS(Object.assign({ engine: 'druidsql' }, settings), requester).introspect();
  await questions('sql', sql);
  let refused = '';
  try {
    await External.fromJS({ engine: 'druid', source: 'nobody', timeAttribute: '__time' }, requester).introspect();
  } catch (trouble) {
    refused = trouble.message;
  }
  check('unknown source', refused.length > 0, true);
}

main().catch(trouble => console.log(`FAILED  plywood: ${trouble.stack}`));

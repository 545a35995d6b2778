"""ClickBench's 43 queries over 9,580 rows of the real table, as they are: their answers are what counts, their times are those of few rows."""
from workloads import clickbench, rows
from workloads.shape import Table

TITLE = 'ClickBench, real rows'
ROWS = QUICK = clickbench.REAL
QUERIES = clickbench.QUERIES


def make(place):
    path, link = place.folder + '/hits-real.csv', rows.maker(place.folder)
    columns = clickbench.kinds(clickbench.real_rows(link, place))
    rows.write(link, 'SELECT * FROM r', path)
    return [Table('hits', path, columns, time='__time', order=('CounterID', 'EventDate', 'UserID', '__time'), granularity='MONTH',
                  rows=rows.counted(link, path), clustered=True)]

/*
 * What JDBC tools do through Druid's driver, against a live server: Smoke URL TABLE ROWS, where TABLE has __time (a row a
 * second from 2024-01-01), name ("n" and the number mod 7) and n (the number). Prints a line a check; exit status 1 at the first that fails.
 */
import java.sql.*;
import java.util.*;

public class Smoke {
    static void check(String what, boolean good, Object found) {
        System.out.println((good ? "ok      " : "FAILED  ") + what + (good ? "" : ": " + found));
        if (!good)
            System.exit(1);
    }

    static List<String> names(ResultSet rows, String column) throws SQLException {
        List<String> all = new ArrayList<>();
        while (rows.next())
            all.add(rows.getString(column));
        rows.close();
        return all;
    }

    static void metadata(Connection c, String table) throws SQLException {
        DatabaseMetaData m = c.getMetaData();
        check("catalogs", names(m.getCatalogs(), "TABLE_CAT").equals(List.of("druid")), names(m.getCatalogs(), "TABLE_CAT"));
        check("schemas", names(m.getSchemas(), "TABLE_SCHEM").contains("INFORMATION_SCHEMA"), "");
        check("table types", names(m.getTableTypes(), "TABLE_TYPE").contains("TABLE"), "");
        check("tables", names(m.getTables(null, "druid", table, new String[] {"TABLE"}), "TABLE_NAME").equals(List.of(table)), "");
        check("no such table", names(m.getTables(null, "druid", "nothing\\_here", null), "TABLE_NAME").isEmpty(), "");
        check("columns", names(m.getColumns(null, "druid", table, "%"), "COLUMN_NAME").equals(List.of("__time", "name", "n")),
              names(m.getColumns(null, "druid", table, "%"), "COLUMN_NAME"));
        check("types", names(m.getTypeInfo(), "TYPE_NAME").contains("TIMESTAMP"), "");
    }

    static void frames(Connection c, String table, int rows) throws SQLException {
        for (int size : new int[] {0, 7, 1000}) {
            Statement s = c.createStatement();
            s.setFetchSize(size);
            ResultSet r = s.executeQuery("SELECT __time, name, n FROM " + table + " ORDER BY __time");
            int at = 0;
            for (; r.next(); at++)
                if (r.getLong("n") != at || !r.getString("name").equals("n" + at % 7)
                    || r.getTimestamp("__time").getTime() != 1704067200000L + at * 1000L)
                    check("row " + at, false, r.getString("name") + " " + r.getLong("n") + " " + r.getTimestamp("__time"));
            check("frames of " + size + " hold every row once", at == rows, at);
            s.close();
        }
    }

    static void turns(Connection c, String table) throws SQLException {
        Statement a = c.createStatement(), b = c.createStatement();
        ResultSet x = a.executeQuery("SELECT n FROM " + table + " ORDER BY __time");
        ResultSet y = b.executeQuery("SELECT n FROM " + table + " ORDER BY __time DESC");
        boolean good = true;
        for (int i = 0; i < 6000; i++)
            good &= x.next() && y.next() && x.getLong(1) == i;
        check("two results are read in turns", good, "");
        a.close();
        check("one goes on when the other is closed", y.next(), "");
        b.close();
    }

    static void prepared(Connection c, String table) throws SQLException {
        PreparedStatement p = c.prepareStatement("SELECT COUNT(*) FROM " + table + " WHERE name = ? AND n < ? AND __time >= ?");
        ParameterMetaData types = p.getParameterMetaData();
        check("parameters know their types", types.getParameterType(1) == Types.VARCHAR && types.getParameterType(2) == Types.BIGINT
              && types.getParameterType(3) == Types.TIMESTAMP, types.getParameterTypeName(1) + types.getParameterTypeName(2));
        for (int i = 0; i < 3; i++) {
            p.setString(1, "n" + i);
            p.setLong(2, 70);
            p.setTimestamp(3, new Timestamp(1704067200000L));
            ResultSet r = p.executeQuery();
            check("prepared, round " + i, r.next() && r.getLong(1) == 10, "");
            r.close();
        }
        p.close();
    }

    static void values(Connection c) throws SQLException {
        Statement s = c.createStatement();
        ResultSet r = s.executeQuery("SELECT 9007199254740993, 0.1e0, TRUE, 'a''b\u00e4\ud83d\udeb2', CAST(NULL AS VARCHAR), ARRAY[1, 2, 3],"
                                     + " ARRAY['x', NULL], DATE '2015-09-12', TIMESTAMP '2015-09-12 01:02:03', 1.5, CAST(2.5 AS FLOAT)");
        check("a row", r.next(), "");
        check("large whole number", r.getLong(1) == 9007199254740993L, r.getLong(1));
        check("double", r.getDouble(2) == 0.1, r.getDouble(2));
        check("boolean", r.getBoolean(3), "");
        check("text", r.getString(4).equals("a'b\u00e4\ud83d\udeb2"), r.getString(4));
        check("null", r.getString(5) == null && r.wasNull(), r.getString(5));
        check("array", Arrays.toString((Object[]) r.getArray(6).getArray()).equals("[1, 2, 3]"), Arrays.toString((Object[]) r.getArray(6).getArray()));
        check("array with null", Arrays.toString((Object[]) r.getArray(7).getArray()).equals("[x, null]"), "");
        check("date", r.getDate(8).toString().equals("2015-09-12"), r.getDate(8));
        check("timestamp", r.getTimestamp(9).getTime() == 1442019723000L, r.getTimestamp(9));
        check("decimal", r.getBigDecimal(10).doubleValue() == 1.5, r.getBigDecimal(10));
        check("float", r.getFloat(11) == 2.5f, r.getFloat(11));
        s.close();
        limits(c);
    }

    /* Infinity is a number in both forms; setMaxRows counts over all frames. */
    static void limits(Connection c) throws SQLException {
        Statement s = c.createStatement();
        ResultSet r = s.executeQuery("SELECT 1e0/0e0, -1e0/0e0");
        check("infinity", r.next() && r.getDouble(1) == Double.POSITIVE_INFINITY && (Double) r.getObject(2) == Double.NEGATIVE_INFINITY, "");
        notNumbers(c, s);
        s.setMaxRows(2);
        r = s.executeQuery("SELECT x FROM UNNEST(ARRAY[1, 2, 3]) AS t(x)");
        check("no more rows than asked for", r.next() && r.next() && !r.next(), "");
        s.close();
    }

    /* JSON has no number for it, and the driver makes numbers only of numbers: there it can be read as text. */
    static void notNumbers(Connection c, Statement s) throws SQLException {
        ResultSet r = s.executeQuery("SELECT 0e0/0e0, CAST('NaN' AS FLOAT), 1.5e0");
        check("NaN as text", r.next() && r.getString(1).equals("NaN") && r.getString(2).equals("NaN") && r.getDouble(3) == 1.5, r.getString(1));
        if (c.getMetaData().getURL().contains("serialization=protobuf"))
            check("NaN as a number", Double.isNaN(r.getDouble(1)) && Double.isNaN(r.getFloat(2)), r.getObject(1));
    }

    /* Times are read, and given back, on the clock of sqlTimeZone. */
    static void zones(String url, String table) throws SQLException {
        Properties zone = new Properties();
        zone.setProperty("sqlTimeZone", "Asia/Seoul");
        try (Connection c = DriverManager.getConnection(url, zone)) {
            ResultSet r = c.createStatement().executeQuery("SELECT __time, CAST(__time AS DATE) FROM " + table + " ORDER BY __time LIMIT 1");
            r.next();
            check("a time in its zone", r.getTimestamp(1).toString().equals("2024-01-01 09:00:00.0"), r.getTimestamp(1));
            PreparedStatement at = c.prepareStatement("SELECT MIN(n), COUNT(*) FROM " + table + " WHERE __time = ?");
            at.setTimestamp(1, r.getTimestamp(1));
            ResultSet found = at.executeQuery();
            check("a time that was read finds its row", found.next() && found.getLong(1) == 0 && found.getLong(2) == 1, found.getLong(2));
            PreparedStatement on = c.prepareStatement("SELECT MIN(n) FROM " + table + " WHERE __time >= ? AND CAST(__time AS DATE) = ?");
            on.setDate(1, r.getDate(2));
            on.setDate(2, r.getDate(2));
            found = on.executeQuery();
            check("so does a date", found.next() && found.getLong(1) == 0 && !found.wasNull(), found.getLong(1));
        }
    }

    static void failures(Connection c, String table) throws SQLException {
        Statement s = c.createStatement();
        try {
            s.executeQuery("SELECT nothing FROM " + table);
            check("a wrong column is an error", false, "answered");
        } catch (SQLException e) {
            check("a wrong column is an error", e.getMessage().contains("nothing"), e.getMessage());
        }
        check("the connection goes on", s.executeQuery("SELECT 1").next(), "");
        s.close();
    }

    public static void main(String[] args) throws Exception {
        String table = args[1];
        int rows = Integer.parseInt(args[2]);
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        for (String form : new String[] {"avatica/;serialization=json", "avatica-protobuf/;serialization=protobuf"}) {
            System.out.println("-- " + form);
            try (Connection c = DriverManager.getConnection("jdbc:avatica:remote:url=" + args[0] + "/druid/v2/sql/" + form + ";transparent_reconnection=true")) {
                metadata(c, table);
                frames(c, table, rows);
                turns(c, table);
                prepared(c, table);
                values(c);
                failures(c, table);
            }
            zones("jdbc:avatica:remote:url=" + args[0] + "/druid/v2/sql/" + form, table);
        }
    }
}

/*
 * What a program that keeps its connection sees when the server is started again: Lost URL TABLE. Prints "restart" and waits for a
 * line when the server is to be started again at the same place; TABLE as in Smoke.java, with more rows than a first frame holds.
 */
import java.io.*;
import java.sql.*;

public class Lost {
    static final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));

    static void check(String what, boolean good, Object found) {
        System.out.println((good ? "ok      " : "FAILED  ") + what + (good ? "" : ": " + found));
        if (!good)
            System.exit(1);
    }

    static long counted(PreparedStatement p, String name, long most) throws SQLException {
        p.setString(1, name);
        p.setLong(2, most);
        try (ResultSet r = p.executeQuery()) {
            return r.next() ? r.getLong(1) : -1;
        }
    }

    /* Rows that were there and no others, then an error: never an end that comes too early. */
    static void halfRead(ResultSet r) {
        int more = 0;
        try {
            while (r.next())
                more++;
            check("a result that was half read does not end quietly", false, more + " rows more");
        } catch (Exception e) {
            check("a result that was half read does not end quietly", String.valueOf(e).contains("execute it again"), e);
        }
    }

    public static void main(String[] args) throws Exception {
        for (String form : new String[] {"avatica/;serialization=json", "avatica-protobuf/;serialization=protobuf"}) {
            System.out.println("-- " + form);
            try (Connection c = DriverManager.getConnection("jdbc:avatica:remote:url=" + args[0] + "/druid/v2/sql/" + form + ";transparent_reconnection=true")) {
                PreparedStatement p = c.prepareStatement("SELECT COUNT(*) FROM " + args[1] + " WHERE name = ? AND n < ?");
                PreparedStatement fresh = c.prepareStatement("SELECT MAX(n) FROM " + args[1] + " WHERE name <> ? AND n < ?");
                check("prepared", counted(p, "n1", 70) == 10, "");
                ResultSet half = c.createStatement().executeQuery("SELECT n FROM " + args[1] + " ORDER BY __time");
                check("rows", half.next() && half.getLong(1) == 0, "");
                System.out.println("restart");
                in.readLine();
                Statement s = c.createStatement();
                check("a new statement", s.executeQuery("SELECT 1").next(), "");
                check("prepared before the restart", counted(p, "n2", 70) == 10 && counted(p, "n3", 7) == 1, "");
                check("prepared and first executed after it", counted(fresh, "x", 5) == 4, "");
                halfRead(half);
                check("the connection goes on", s.executeQuery("SELECT 1").next() && counted(p, "n2", 70) == 10, "");
            }
        }
    }
}

/*
 * Quantiles sketches of DataSketches' Java library, for prove_quantiles_java.py.
 *
 * Without arguments: for several k and n one line, tab-separated: k, n, compact image, updatable image, quantiles, summary.
 * With one: reads lines "IMAGE RANK ..." from standard input and answers n and the quantiles.
 */
import java.util.Scanner;
import org.apache.datasketches.memory.Memory;
import org.apache.datasketches.quantiles.DoublesSketch;
import org.apache.datasketches.quantiles.UpdateDoublesSketch;

class Quantiles {
    static final double[] RANKS = {0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1};

    static String hex(byte[] bytes) {
        StringBuilder s = new StringBuilder();
        for (byte b : bytes) s.append(String.format("%02x", b));
        return s.toString();
    }

    static double valueOf(long i, long seed) {
        return (double) (((i + seed) * 2654435761L + seed) % 1048573L);
    }

    static void write(int k, int n) {
        UpdateDoublesSketch s = DoublesSketch.builder().setK(k).build();
        for (int i = 0; i < n; i++) s.update(valueOf(i, 7));
        StringBuilder quantiles = new StringBuilder();
        for (double r : RANKS) quantiles.append(n > 0 ? s.getQuantile(r) : Double.NaN).append(' ');
        System.out.println(k + "\t" + n + "\t" + hex(s.toByteArray(true)) + "\t" + hex(s.toByteArray(false)) + "\t"
            + quantiles.toString().trim() + "\t" + s.toString().replace("\n", "|"));
    }

    public static void main(String[] args) {
        if (args.length == 0) {
            for (int k : new int[] {2, 16, 128, 1024})
                for (int n : new int[] {0, 1, 2, 3, k, 2 * k - 1, 2 * k, 2 * k + 1, 7 * k, 64 * k + 5, 20000}) write(k, n);
            return;
        }
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] words = lines.nextLine().split(" ");
            byte[] image = new byte[words[0].length() / 2];
            for (int i = 0; i < image.length; i++) image[i] = (byte) Integer.parseInt(words[0].substring(2 * i, 2 * i + 2), 16);
            DoublesSketch s = DoublesSketch.heapify(Memory.wrap(image));
            StringBuilder answer = new StringBuilder().append(s.getN());
            for (int i = 1; i < words.length; i++) answer.append(' ').append(s.getQuantile(Double.parseDouble(words[i])));
            System.out.println(answer);
        }
    }
}

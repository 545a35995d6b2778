/*
 * Prints what tests/unit/sketch_histogram_test.c holds as golden values: sums (FNV-1a) of the bytes that druid-histogram's classes write, and their answers.
 *
 *     java -cp druid-histogram-0.22.1.jar:druid-processing-33.0.0.jar:guava.jar:commons-codec.jar tests/sketch/Histograms.java
 */
import org.apache.druid.query.aggregation.histogram.*;
public class Histograms {
  static String hex(byte[] b){StringBuilder s=new StringBuilder();for(byte x:b)s.append(String.format("%02x",x));return s.toString();}
  static String fnv(byte[] b){long h=0xcbf29ce484222325L;for(byte x:b){h^=x&0xff;h*=0x100000001b3L;}return String.format("%016x",h);}
  static float v(int i){ return (float)((i*7919L%10007)/16.0); }
  public static void main(String[] a) throws Exception {
    for (int size : new int[]{5,50}) for (int n : new int[]{0,1,3,30,60,200,5000}) {
      ApproximateHistogram h=new ApproximateHistogram(size);
      for (int i=0;i<n;i++) h.offer(v(i));
      byte[] b=h.toBytes();
      System.out.println("approx "+size+" "+n+" "+b.length+" "+fnv(b)+(n>0?" "+h.getQuantiles(new float[]{0.25f})[0]+" "+h.getQuantiles(new float[]{0.9f})[0]+" "+h.sum(100f):""));
    }
    ApproximateHistogram x=new ApproximateHistogram(20), y=new ApproximateHistogram(30), z=new ApproximateHistogram(20, 50f, 400f), few=new ApproximateHistogram(20);
    for (int i=0;i<1000;i++){ x.offer(v(i)); y.offer(v(i+1000)); z.offer(v(i+500)); if(i<5) few.offer(v(i)); }
    z.foldFast(y); System.out.println("fold limits "+fnv(z.toBytes())+" "+z.binCount());
    few.foldFast(ApproximateHistogram.fromBytes(few.toBytes())); System.out.println("fold few "+fnv(few.toBytes()));
    x.foldFast(y); System.out.println("fold "+fnv(x.toBytes())+" "+x.binCount()+" "+x.getQuantiles(new float[]{0.5f})[0]);
    Histogram e=x.toHistogram(4); System.out.println("equal "+java.util.Arrays.toString(e.getBreaks())+" "+java.util.Arrays.toString(e.getCounts()));
    Histogram w=x.toHistogram(100f,30f); System.out.println("width "+java.util.Arrays.toString(w.getBreaks())+" "+java.util.Arrays.toString(w.getCounts()));
    for (FixedBucketsHistogram.OutlierHandlingMode m : FixedBucketsHistogram.OutlierHandlingMode.values()) {
      FixedBucketsHistogram f=new FixedBucketsHistogram(100,500,40,m), g=new FixedBucketsHistogram(0,600,37,m), k=new FixedBucketsHistogram(100,500,40,m), far=new FixedBucketsHistogram(600,700,4,m);
      for (int i=0;i<900;i++){ f.add(v(i)); g.add(v(i+300)); k.add(v(i+77)); far.add(600+i%100);}
      f.incrementMissing();
      System.out.println("fixed "+m+" "+fnv(f.toBytes())+" "+f.percentilesFloat(new double[]{30})[0]);
      FixedBucketsHistogram f2=FixedBucketsHistogram.fromBytes(f.toBytes()), f3=FixedBucketsHistogram.fromBytes(f.toBytes());
      f.combineHistogram(k); System.out.println("same "+m+" "+fnv(f.toBytes()));
      f2.combineHistogram(g); System.out.println("other "+m+" "+fnv(f2.toBytes())+" "+f2);
      f3.combineHistogram(far); System.out.println("far "+m+" "+fnv(f3.toBytes()));
      FixedBucketsHistogram s=new FixedBucketsHistogram(0,1000,50,m); s.add(3); s.add(500); System.out.println("pairs "+m+" "+s.toBytes().length+" "+fnv(s.toBytes()));
    }
  }
}

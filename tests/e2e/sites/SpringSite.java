// A site in Spring MVC, in an embedded Tomcat, around the class in this folder, which is the one in docs/your-own-endpoint.md.

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Principal;
import java.util.List;
import java.util.Map;
import javax.servlet.FilterChain;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletRequestWrapper;
import javax.servlet.http.HttpServletResponse;
import javax.servlet.http.HttpSession;
import javax.sql.DataSource;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.h2.jdbcx.JdbcConnectionPool;
import org.springframework.context.annotation.Bean;
import org.springframework.http.converter.json.MappingJackson2HttpMessageConverter;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import shop.LiveChatController;

public class SpringSite {
    /** What Spring Boot sets up by itself. Not marked as a configuration, for Debian's Spring cannot make the subclass that it would get. */
    public static class Settings {
        @Bean
        public RequestMappingHandlerMapping handlers() {
            return new RequestMappingHandlerMapping();
        }

        @Bean
        public RequestMappingHandlerAdapter adapter() {
            RequestMappingHandlerAdapter adapter = new RequestMappingHandlerAdapter();
            adapter.setMessageConverters(List.of(new MappingJackson2HttpMessageConverter()));
            return adapter;
        }

        @Bean
        public JdbcTemplate database() throws IOException {
            DataSource pool = JdbcConnectionPool.create("jdbc:h2:mem:site;DB_CLOSE_DELAY=-1", "site", "");
            JdbcTemplate database = new JdbcTemplate(pool);
            database.execute(Files.readString(Path.of("src/main/resources/schema.sql")));
            return database;
        }

        @Bean
        public LiveChatController liveChat(JdbcTemplate database) {
            return new LiveChatController(database);
        }

        @Bean
        public Page page() {
            return new Page();
        }
    }

    /** Signs in who is named; the class under test compares origins, so there is no CSRF token. */
    @RestController
    public static class Page {
        @GetMapping("/page")
        public Map<String, Object> show(HttpServletRequest request, @RequestParam(name = "as", required = false) String user) {
            if (user != null) {
                request.getSession().setAttribute("user", user);
            }
            return Map.of();
        }
    }

    /** Says who is signed in, as Spring Security does. */
    public static class SignedIn extends OncePerRequestFilter {
        @Override
        protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws ServletException, IOException {
            HttpSession session = request.getSession(false);
            Object user = session == null ? null : session.getAttribute("user");
            Principal principal = user == null ? null : user::toString;
            HttpServletRequest known = new HttpServletRequestWrapper(request) {
                @Override
                public Principal getUserPrincipal() {
                    return principal;
                }
            };
            chain.doFilter(known, response);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(".");
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context site = tomcat.addContext("", null);
        FilterDef filter = new FilterDef();
        filter.setFilterName("signed-in");
        filter.setFilter(new SignedIn());
        site.addFilterDef(filter);
        FilterMap everywhere = new FilterMap();
        everywhere.setFilterName("signed-in");
        everywhere.addURLPattern("/*");
        site.addFilterMap(everywhere);
        AnnotationConfigWebApplicationContext beans = new AnnotationConfigWebApplicationContext();
        beans.register(Settings.class);
        Tomcat.addServlet(site, "spring", new DispatcherServlet(beans)).setLoadOnStartup(1);
        site.addServletMappingDecoded("/", "spring");
        tomcat.start();
        System.out.println("listening on " + tomcat.getConnector().getLocalPort());
        tomcat.getServer().await();
    }
}
